"""What this and other distributions registered: entry points, read once.

Finding them, Python reads a file of every distribution that is installed: 20 ms of a build.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def registered(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, by name."""
    return _all(tuple(sys.path)).get(group, ())


@lru_cache(maxsize=2)
def _all(_path: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    from importlib.metadata import entry_points  # 15 ms that the process of a check does without

    found = entry_points()
    return {
        group: tuple(sorted(found.select(group=group), key=lambda point: point.name))
        for group in found.groups
    }


def load_plugin(place: str, *names: str) -> Any:
    """The class of somebody else's plugin; in a process of its own alone.

    Args:
        place: ``module:Class``, or the path of a file, which has one class with the attributes.
        names: of attributes that the class has.

    Raises:
        SystemExit: the file has no such class, or several.
    """
    if not place.endswith(".py"):
        module_name, _, name = place.partition(":")
        return getattr(importlib.import_module(module_name), name)
    path = Path(place)
    spec = importlib.util.spec_from_file_location(f"espdeck_plugin_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and all(hasattr(value, each) for each in names)
    ]
    if len(own) != 1:
        wanted = " and ".join(names)
        raise SystemExit(f"{path}: has {len(own)} classes with {wanted}, not 1")
    return own[0]
