"""Components that a project asks for: ``idf_component.yml``, as ESP-IDF's component manager has it.

Source: IDF Component Manager documentation, "idf_component.yml manifest file". The file is
untrusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.files import read_file
from engine.formats.untrusted import yaml_mapping
from engine.source import tree

FILE_NAME = "idf_component.yml"

_MAX_BYTES = 64 << 10
_MAX_FILES = 200
_MAX_TEXT_CHARACTERS = 80
_SKIPPED_FOLDERS = frozenset({"managed_components", "build", ".git"})


@dataclass(frozen=True, slots=True)
class Dependency:
    """A component that some part of the project asks for.

    Args:
        name: such as ``espressif/led_strip``; ``idf`` is ESP-IDF itself. At most 80 characters.
        version: what it asks for, ``*`` where it does not say. At most 80 characters.
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
    for path in sorted(_manifests(source))[:_MAX_FILES]:
        name = str(path.relative_to(source))
        for component, wanted in _dependencies(path).items():
            if isinstance(component, str):
                found.append(Dependency(component[:_MAX_TEXT_CHARACTERS], _version(wanted), name))
    return tuple(found)


def _manifests(source: Path) -> Iterator[Path]:
    for entry in tree.below(source, skip=_SKIPPED_FOLDERS):
        if entry.name == FILE_NAME and entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _dependencies(path: Path) -> Mapping[object, object]:
    try:
        text = read_file(path, _MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    listed = yaml_mapping(text, _MAX_BYTES).get("dependencies")
    return listed if isinstance(listed, dict) else {}


def _version(wanted: object) -> str:
    if isinstance(wanted, dict):
        wanted = wanted.get("version", "*")
    if isinstance(wanted, int):
        # Python will not print an integer of thousands of digits.
        return str(wanted) if abs(wanted) < 10**_MAX_TEXT_CHARACTERS else "*"
    return str(wanted)[:_MAX_TEXT_CHARACTERS] if isinstance(wanted, str | float) else "*"
