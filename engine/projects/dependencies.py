"""Components that a project asks for: ``idf_component.yml``, as ESP-IDF's component manager has it.

Source: ESP-IDF Programming Guide, "IDF Component Manager"; the file is untrusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

FILE_NAME = "idf_component.yml"
_MAX_BYTES = 64 << 10
_MAX_FILES = 200


@dataclass(frozen=True, slots=True)
class Dependency:
    """A component that some part of the project asks for.

    Args:
        name: such as ``espressif/led_strip``; ``idf`` is ESP-IDF itself.
        version: what it asks for, ``*`` where it does not say.
        file: where, relative to the source tree.
    """

    name: str
    version: str
    file: str


def scan_dependencies(source: Path) -> tuple[Dependency, ...]:
    """Every dependency of every component, in the order of their files.

    A file that is too large, or no YAML of that form, is passed over: the component manager
    itself will say what is wrong with it.
    """
    found: list[Dependency] = []
    files = sorted(
        path
        for path in source.rglob(FILE_NAME)
        if "managed_components" not in path.parts and not path.is_symlink()
    )
    for path in files[:_MAX_FILES]:
        name = str(path.relative_to(source))
        for component, wanted in _dependencies(path).items():
            found.append(Dependency(str(component), _version(wanted), name))
    return tuple(found)


def _dependencies(path: Path) -> dict[object, object]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError):
        return {}
    listed = data.get("dependencies") if isinstance(data, dict) else None
    return listed if isinstance(listed, dict) else {}


def _version(wanted: object) -> str:
    if isinstance(wanted, dict):
        wanted = wanted.get("version", "*")
    return str(wanted)[:80] if isinstance(wanted, str | int | float) else "*"
