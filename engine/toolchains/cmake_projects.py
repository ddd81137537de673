"""Plain CMake projects in a repository that may be firmware, with their chips; nothing is run.

One at the root is taken for what the repository is about. Others are more often libraries and tests
for the machine that builds: they count where they name a chip, or have what espdeck looks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from engine.enums import CHIPS
from engine.formats import toml
from engine.formats.untrusted import json_of
from engine.source.files import SourceFiles, folder_of, is_own
from engine.toolchains import chips
from engine.toolchains.base import App
from engine.toolchains.cmake_lists import commands
from engine.toolchains.cmake_project_kind import LISTS, ProjectKind, kind_of
from engine.toolchains.idf_apps import lists_of

OWN_TOOLCHAIN = "toolchain.cmake"
"""A project's own toolchain file, at the root of its repository."""

_MANIFEST = "espdeck.toml"
_PRESETS = "CMakePresets.json"
_TARGET_VARIABLE = re.compile(r"(?:^|_)(?:CHIP|TARGET|MCU|SOC|BOARD)$", re.I)
_PROJECT_CALL = re.compile(r"^[ \t]*project[ \t]*\(", re.I | re.M)
_MAX_LISTS_CHARACTERS = 16 << 20  # characters in all
_MAX_PROJECTS = 200
_MAX_FILES = 20


def find_apps(files: SourceFiles) -> tuple[App, ...]:
    """Every project that may be firmware, by path; folders below one hold no others."""
    found: list[App] = []
    names = [name for name in files.names if name.rpartition("/")[2] == LISTS and is_own(name)]
    known = set(files.names) if names else set()
    taken: set[str] = set()
    inner = {folder_of(name) for name in _with_project(files, names)}
    examined, left = 0, _MAX_LISTS_CHARACTERS
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        folder, text = folder_of(name), files.text(name)
        left -= len(text)
        if left < 0:
            break
        if "project" not in text.lower() or any(above in taken for above in _above(folder)):
            continue
        kind = kind_of(lists_of(files, folder))
        if kind not in (ProjectKind.PLAIN, ProjectKind.HOST):
            continue
        examined += 1
        if examined > _MAX_PROJECTS:
            break
        start = f"{folder}/" if folder else ""
        targets = _targets(files, folder, inner)
        own = any(start + each in known for each in (OWN_TOOLCHAIN, _MANIFEST))
        if kind is ProjectKind.HOST and not own:
            continue
        if not folder or targets or own:
            found.append(App(folder, "cmake", targets))
            # A library at the root has examples beside it.
            taken |= {folder} - {""}
    return tuple(sorted(found, key=lambda app: app.path))


def _folders(name: str) -> Iterator[str]:
    while name:
        name = folder_of(name)
        if name:
            yield name


def _above(folder: str) -> Iterator[str]:
    while folder:
        folder = folder_of(folder)
        yield folder


def _with_project(files: SourceFiles, names: Sequence[str]) -> Iterator[str]:
    left = _MAX_LISTS_CHARACTERS
    for name in names:
        text = files.text(name)
        left -= len(text)
        if left > 0 and _PROJECT_CALL.search(text):
            yield name


def _targets(files: SourceFiles, folder: str, projects: Collection[str]) -> tuple[str, ...]:
    """Chips that variables are set to, then those that are named elsewhere.

    What lies in the folder of another project is its own.
    """
    start = f"{folder}/" if folder else ""
    inside = [
        name
        for name in files.names
        if name.startswith(start)
        and name.endswith((".cmake", ".ld", ".lds"))
        and is_own(name)
        and not any(len(each) >= len(start) and each in projects for each in _folders(name))
    ]
    said = lists_of(files, folder).variables
    values = [value for name, value in said.items() if _TARGET_VARIABLE.search(name)]
    values += _defined(files, start)
    named = [*said.values(), *_toolchain_files(files, start)]
    for name in (start + LISTS, *[each for each in inside if each.endswith(".cmake")][:_MAX_FILES]):
        for command in commands(files.text(name)):
            if command.name == "set" and len(command.arguments) > 1:
                values += (
                    command.arguments[1:2] if _TARGET_VARIABLE.search(command.arguments[0]) else ()
                )
            named += command.arguments
    named += [name.removeprefix(start) for name in inside if not name.endswith(".cmake")]
    certain = [chip for value in values if (chip := chips.as_target(value)) in CHIPS]
    return tuple(dict.fromkeys((*certain, *chips.in_text("\n".join(named)))))


def _defined(files: SourceFiles, start: str) -> Sequence[str]:
    """Values that ``espdeck.toml`` and presets give to CMake for such variables."""
    tables = [preset.get("cacheVariables") for preset in _presets(files, start)]
    try:
        build = toml.load(files.text(start + _MANIFEST)).get("build")
        tables.append(build.get("cmake") if isinstance(build, dict) else None)
    except ValueError:
        pass
    found: list[str] = []
    for table in tables:
        for name, value in (table if isinstance(table, dict) else {}).items():
            text = value.get("value") if isinstance(value, dict) else value
            if isinstance(name, str) and isinstance(text, str) and _TARGET_VARIABLE.search(name):
                found.append(text)
    return found


def _toolchain_files(files: SourceFiles, start: str) -> Sequence[str]:
    named = (preset.get("toolchainFile") for preset in _presets(files, start))
    return [name for name in named if isinstance(name, str)]


def _presets(files: SourceFiles, start: str) -> Sequence[dict[str, object]]:
    """Configure presets (CMake, cmake-presets(7))."""
    try:
        data = json_of(files.text(start + _PRESETS) or "{}")
    except (ValueError, RecursionError):
        return ()
    listed = data.get("configurePresets") if isinstance(data, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else ()
