"""Firmware projects that ship with espdeck.

Each folder beside this file but ``runtime`` is the source tree of one project; ``runtime`` is what
they all start on. A project as a user sees it carries its own copy of it, so that it is whole.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_HERE = Path(__file__).parent
_RUNTIME = "runtime"


def names() -> tuple[str, ...]:
    """The sample projects, the one to begin with first."""
    found = {path.parent.name for path in _HERE.glob("*/CMakeLists.txt")}
    return ("hello", *sorted(found - {"hello"}))


def write(name: str, folder: Path) -> None:
    """Write the whole source tree of a sample.

    Args:
        name: one of :func:`names`.
        folder: where to; made when it is not there, its own files are overwritten.

    Raises:
        KeyError: no such sample.
    """
    if name not in names():
        raise KeyError(name)
    _copy(_HERE / name, folder)
    _copy(_HERE / _RUNTIME, folder / _RUNTIME)


def _copy(source: Path, folder: Path) -> None:
    """Copy what is in a folder. Modes are those of new files, not of where espdeck is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        copy = folder / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, copy)
