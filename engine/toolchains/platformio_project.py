"""Projects of PlatformIO in a repository: environments and the chips of those; nothing is run.

``platformio.ini`` is read as PlatformIO's own ``ProjectConfig`` reads it (documentation,
"platformio.ini"): ``extra_configs`` over it, an option looked for in its section, in those that the
section extends, then in ``[env]``, and ``${SECTION.OPTION}`` replaced. What depends on the machine
(``${sysenv.NAME}``) is left out.

The chip of an environment is ``board_build.mcu``, else ``build.mcu`` of the board's file in the
project or among PlatformIO's packages of this machine, else what the board's name tells.
"""

from __future__ import annotations

import configparser
import contextlib
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from engine.enums import TARGETS
from engine.files import read_file
from engine.formats.untrusted import json_of
from engine.source.files import SourceFiles, folder_of, is_own
from engine.toolchains import chips
from engine.toolchains.base import App, AppConfiguration
from engine.toolchains.board_chips import chip_of
from engine.toolchains.chips import ESP8266

PROJECT = "platformio.ini"
"""The file that makes a folder a project of PlatformIO."""

_LIBRARIES = frozenset({"lib", "libs", "libraries"})
_REFERENCE = re.compile(r"\$\{(?:([^.}()]{1,200})\.)?([^}]{1,200})\}")
_REMARK = re.compile(r"\s;[^\n]{0,2000}$")
_GAP = re.compile(r"(?<=\S)[^\S\n]{2,}")
_FAMILY = re.compile(r"(?:^|[/-])(espressif32|espressif8266)(?:$|[@.#/\s]|-)", re.I)
_PLATFORM = re.compile(
    r"(?:(?:git\+)?[a-z]{2,8}://[^/\s]{1,200}/[^/\s]{1,100}/|[^/\s]{1,100}/)?(?:platform-)?([a-z0-9_]{1,40})",
    re.I,
)
_MAX_INI_CHARACTERS = 256 << 10
_MAX_PROJECTS = 1000
_MAX_PATTERNS = 50
_MAX_EXTRA_FILES = 1000
_MAX_DEPTH = 20
_MAX_REPLACED = 200
_MAX_EXTENDED = 30
_MAX_VALUE_CHARACTERS = 64_000
_MAX_ENVIRONMENTS = 1000
_MAX_BOARD_BYTES = 64 << 10
_ENV = "env:"


def find_apps(files: SourceFiles, packages: Path) -> tuple[App, ...]:
    """Every project, by path.

    Args:
        packages: PlatformIO's own folder on this machine; it need not be there.
    """
    folders = [
        folder_of(name)
        for name in files.names
        if name.rpartition("/")[2] == PROJECT and is_own(name)
    ]
    found: dict[str, App] = {}
    parts: set[str] = set()
    for folder in sorted(folders)[:_MAX_PROJECTS]:
        # A library that a project brings with it is no project of its own.
        if folder in parts or is_library_in(folder, frozenset(folders)):
            continue
        project = _Project(files, folder, packages)
        # Nor is a file that another project reads as its own, one a board.
        parts |= project.extra - {folder}
        environments = project.environments()
        if environments:
            found[folder] = App(folder, "platformio", _targets(environments), environments)
    return tuple(app for folder, app in found.items() if folder not in parts)


def environment_options(
    files: SourceFiles, folder: str, options: Sequence[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """What each environment of a project says, with what it extends and interpolates.

    Args:
        folder: of the project's ``platformio.ini``, empty for the root.
        options: names of options that may have several values, such as ``lib_deps``.

    Returns:
        The values of each option, by the environment, the default ones first.
    """
    project = _Project(files, folder, Path())
    return {
        name: {option: project.values(name, option) for option in options}
        for name in project.names()
    }


def is_library_in(folder: str, projects: Collection[str]) -> bool:
    """Whether a folder lies in ``lib`` or the like of one of some projects."""
    parts = folder.split("/")
    return any(
        part in _LIBRARIES and "/".join(parts[:index]) in projects
        for index, part in enumerate(parts)
    )


def _targets(environments: Sequence[AppConfiguration]) -> tuple[str, ...]:
    """What can be built for first, as the default environments come first."""
    every = dict.fromkeys(target for each in environments for target in each.targets)
    return tuple(sorted(every, key=lambda target: target not in TARGETS))


class _Project:
    """One ``platformio.ini`` with its extra files."""

    def __init__(self, files: SourceFiles, folder: str, packages: Path) -> None:
        self._files = files
        self._folder = folder
        self._packages = packages
        self._left = 0
        self._parser = configparser.RawConfigParser(
            inline_comment_prefixes=("#", ";"), strict=False
        )
        self._read(PROJECT)
        patterns = _values(self._get("platformio", "extra_configs"))[:_MAX_PATTERNS]
        names = (name for pattern in patterns for name in self._matching(pattern))
        extra = list(dict.fromkeys(islice(names, _MAX_EXTRA_FILES)))
        for name in extra:
            self._read(name)
        self.extra = frozenset(
            folder_of(self._path(name)) for name in extra if name.rpartition("/")[2] == PROJECT
        )
        """Folders whose ``platformio.ini`` this project reads as part of its own."""

    def names(self) -> list[str]:
        """Every environment, the default ones first."""
        names = [
            section.removeprefix(_ENV)
            for section in self._parser.sections()
            if section.startswith(_ENV)
        ]
        defaults = [
            each for each in _names(self._get("platformio", "default_envs")) if each in names
        ]
        return list(dict.fromkeys((*defaults, *names)))[:_MAX_ENVIRONMENTS]

    def environments(self) -> tuple[AppConfiguration, ...]:
        """Every environment with its chips, the default ones first."""
        return tuple(AppConfiguration(name, self._targets_of(name)) for name in self.names())

    def values(self, environment: str, option: str) -> tuple[str, ...]:
        """The values of an option that may have several, as far as they are read."""
        text = self._get(_ENV + environment, option)
        found = _values(text)
        return tuple(found[:-1] if len(text) >= _MAX_VALUE_CHARACTERS else found)

    def _targets_of(self, name: str) -> tuple[str, ...]:
        """The chip; of a board that is no ESP32, the platform, so that it is not taken for one."""
        section = _ENV + name
        platform = next(iter(_values(self._get(section, "platform"))), "")
        family = _FAMILY.search(platform)
        if family and family[1].lower() == "espressif8266":
            return (ESP8266,)
        board = self._get(section, "board").strip()
        chip = (
            chips.as_target(self._get(section, "board_build.mcu"))
            or self._chip_of_file(board)
            or chip_of(board)
        )
        if chip:
            return (chip,)
        other = _PLATFORM.match(platform)
        return (other[1].lower(),) if other and not family else ()

    def _chip_of_file(self, board: str) -> str:
        """``build.mcu`` of the board's file, in the project or on this machine."""
        if not re.fullmatch(r"[\w.-]{1,100}", board) or board.startswith("."):
            return ""
        folder = self._get("platformio", "boards_dir").strip() or "boards"
        own = self._files.text(self._path(f"{folder}/{board}.json"))
        if own:
            return _mcu(own)
        for path in (
            self._packages / "boards" / f"{board}.json",
            *sorted(self._packages.glob(f"platforms/*/boards/{board}.json")),
        ):
            try:
                chip = _mcu(read_file(path, _MAX_BOARD_BYTES).decode("utf-8", "replace"))
            except OSError:
                continue
            if chip:
                return chip
        return ""

    def _read(self, name: str) -> None:
        text = self._files.text(self._path(name))
        # What comes before a fault is read; PlatformIO itself will say what is wrong.
        with contextlib.suppress(configparser.Error):
            # Without long gaps, over which the parser's expressions would take long.
            self._parser.read_string(_GAP.sub(" ", text[:_MAX_INI_CHARACTERS]))

    def _matching(self, pattern: str) -> Iterator[str]:
        start = f"{self._folder}/" if self._folder else ""
        if not any(each in pattern for each in "*?["):
            yield pattern
            return
        wanted = pattern.removeprefix("./").split("/")[:_MAX_DEPTH]
        for name in self._files.names:
            inside = name.removeprefix(start)
            mine = name.startswith(start) and inside.endswith(".ini")
            if mine and _matches(inside.split("/"), wanted):
                yield inside

    def _path(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self._folder, name))

    def _get(self, section: str, option: str) -> str:
        """The value of an option, empty where there is none."""
        self._left = _MAX_REPLACED
        return self._value(section, option)

    def _value(self, section: str, option: str) -> str:
        for each in self._sections(section):
            if self._parser.has_option(each, option):
                return self._expand(section, self._parser.get(each, option) or "")
        return ""

    def _sections(self, section: str) -> Iterator[str]:
        """Where an option of a section is looked for, in that order."""
        waiting = ["env", section] if section.startswith(_ENV) else [section]
        done: set[str] = set()
        while waiting and len(done) < _MAX_EXTENDED:
            each = waiting.pop()
            if each in done or not self._parser.has_section(each):
                continue
            done.add(each)
            yield each
            if self._parser.has_option(each, "extends"):
                waiting += _names(self._parser.get(each, "extends") or "")

    def _expand(self, section: str, value: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            other, option = match[1], match[2]
            self._left -= 1  # values may name each other in circles
            if other is None or other == "sysenv" or self._left < 0:
                return ""
            if other == "this" and option == "__env__":
                return section.removeprefix(_ENV)
            return self._value(section if other == "this" else other, option)

        return _REFERENCE.sub(replaced, value[:_MAX_VALUE_CHARACTERS])[:_MAX_VALUE_CHARACTERS]


def _matches(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a path fits a pattern as Python's ``glob`` has it, which PlatformIO asks."""
    at = {0}  # how much of the pattern what was seen so far may have used up
    for part in (*parts, None):
        for each in sorted(at):
            while each < len(wanted) and wanted[each] == "**":
                each += 1
                at.add(each)
        if part is None:
            break
        at = {
            each + (wanted[each] != "**")
            for each in at
            if each < len(wanted) and fnmatchcase(part, wanted[each])
        }
    return len(wanted) in at


def _mcu(text: str) -> str:
    try:
        data = json_of(text)
        return chips.as_target(str(data["build"]["mcu"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def _values(text: str) -> list[str]:
    """A value of several, a line or a comma each, as PlatformIO takes it apart."""
    items = (_REMARK.sub("", item).strip() for item in text.split("\n" if "\n" in text else ", "))
    return [item for item in items if item and not item.startswith((";", "#"))]


def _names(text: str) -> list[str]:
    """Names of environments or sections; people write commas without a blank, too."""
    return [name.strip() for value in _values(text) for name in value.split(",") if name.strip()]
