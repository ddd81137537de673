"""Sketches of Arduino in a repository, with their profiles and chips; nothing is run.

A sketch is a folder with a ``.ino`` file of its name (Arduino CLI, "Sketch specification"); at the
root of a repository, whose folder has any name, it is the only ``.ino`` there. Its board stands in
``sketch.yaml`` ("Sketch project file"), or in the ``arduino.json`` of an editor.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from engine.enums import TARGETS
from engine.formats.untrusted import yaml_mapping
from engine.source.files import SourceFiles, folder_of, is_own
from engine.toolchains.base import App, AppConfiguration
from engine.toolchains.board_chips import chip_of
from engine.toolchains.chips import ESP8266

PROJECT = "sketch.yaml"
"""The sketch project file (Arduino CLI, "Sketch project file")."""

UNKNOWN = "unknown"
"""For the chip of a board that does not tell it."""

_VSCODE_SETTINGS = ".vscode/arduino.json"
_BOARD = re.compile(r'"board"\s{0,20}:\s{0,20}"([\w.-]{1,60}:[\w.-]{1,60}:[\w.-]{1,100})')
_LIBRARIES = frozenset({"lib", "libs", "libraries"})
_MANIFESTS = ("library.properties", "library.json")
_SOURCES = (".ino", ".h", ".hpp", ".c", ".cpp")
_ESP8266 = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"](?:ESP8266\w{0,40}|user_interface)\.h', re.M)
_ESP32 = re.compile(r'ESP32|esp32|[<"](?:WiFi\.h|esp_|freertos/|driver/)')
_AVR = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<avr/(?!pgmspace)", re.M)
_MAX_YAML_CHARACTERS = 64 << 10
_MAX_SOURCE_FILES = 30
_MAX_PROFILES = 200


def find_apps(files: SourceFiles) -> tuple[App, ...]:
    """Every sketch, by path; those of libraries that a repository brings with it are left out."""
    sources: dict[str, list[str]] = defaultdict(list)
    for name in files.names:
        if name.endswith(_SOURCES) and is_own(name):
            sources[folder_of(name)].append(name)
    known = set(files.names) if sources else set()
    found: dict[str, App] = {}
    for folder in sorted(sources):
        if (
            _is_sketch(folder, sources[folder])
            and not _is_below(folder, found)
            and not _is_of_library(folder, known)
        ):
            found[folder] = _app(files, folder, sources[folder])
    return tuple(found.values())


def default_chip(files: SourceFiles, folder: str) -> str:
    """The chip that a sketch is built for when nobody says a profile or a board.

    Returns:
        Empty where ``sketch.yaml`` has no default, :data:`UNKNOWN` where its board does not tell.
    """
    project = yaml_mapping(
        files.text(f"{folder}/{PROJECT}" if folder else PROJECT), _MAX_YAML_CHARACTERS
    )
    listed, name = project.get("profiles"), project.get("default_profile")
    profile = listed.get(name) if isinstance(listed, dict) and isinstance(name, str) else None
    fqbn = profile.get("fqbn") if isinstance(profile, dict) else project.get("default_fqbn")
    return _chip(fqbn) or UNKNOWN if fqbn else ""


def _is_sketch(folder: str, sources: Sequence[str]) -> bool:
    if folder:
        return f"{folder}/{folder.rpartition('/')[2]}.ino" in sources
    return sum(name.endswith(".ino") for name in sources) == 1


def _is_below(folder: str, others: Mapping[str, object]) -> bool:
    while folder:
        folder = folder_of(folder)
        # What lies below the root is beside it: a library with its examples.
        if folder and folder in others:
            return True
    return False


def _is_of_library(folder: str, known: set[str]) -> bool:
    """Whether it lies in a library that lies in a folder for libraries."""
    parts = folder.split("/")
    return any(
        parts[index - 1] in _LIBRARIES
        and any(f"{'/'.join(parts[: index + 1])}/{each}" in known for each in _MANIFESTS)
        for index in range(1, len(parts))
    )


def _app(files: SourceFiles, folder: str, sources: Sequence[str]) -> App:
    start = f"{folder}/" if folder else ""
    project = yaml_mapping(files.text(start + PROJECT), _MAX_YAML_CHARACTERS)
    listed = project.get("profiles")
    profiles = {
        str(name): _chip(profile.get("fqbn"))
        for name, profile in (listed if isinstance(listed, dict) else {}).items()
        if isinstance(name, str) and isinstance(profile, dict)
    }
    default = str(project.get("default_profile") or "")
    names = sorted(profiles, key=lambda name: name != default)[:_MAX_PROFILES]
    said = [_chip(project.get("default_fqbn")), *(profiles[name] for name in names)]
    if not any(said):
        board = _BOARD.search(files.text(start + _VSCODE_SETTINGS))
        said = [_chip(board[1])] if board else [_by_sources(files, sources)]
    targets = dict.fromkeys(each for each in said if each)
    return App(
        folder,
        "arduino",
        tuple(sorted(targets, key=lambda target: target not in TARGETS)),
        tuple(
            AppConfiguration(name, (profiles[name],) if profiles[name] else ()) for name in names
        ),
    )


def _chip(fqbn: object) -> str:
    """The chip of ``VENDOR:ARCHITECTURE:BOARD:OPTIONS``; of no ESP32, its architecture."""
    parts = fqbn.split(":") if isinstance(fqbn, str) else []
    if len(parts) < 3:
        return ""
    if parts[1] != "esp32":
        return parts[1][:40]
    return chip_of(parts[2])


def _by_sources(files: SourceFiles, sources: Sequence[str]) -> str:
    """What the sources are for when they cannot be for an ESP32, else nothing."""
    text = "\n".join(files.text(name) for name in sources[:_MAX_SOURCE_FILES])
    if _ESP32.search(text):
        return ""
    if _ESP8266.search(text):
        return ESP8266
    return "avr" if _AVR.search(text) else ""
