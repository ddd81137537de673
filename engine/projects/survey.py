"""What there is to build in a repository, and what is there that espdeck does not build."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.enums import TARGETS
from engine.projects.unsupported import COMPONENT, UnsupportedProject, find_unsupported
from engine.source.files import SourceFiles, folder_of
from engine.toolchains.base import NO_PROJECT, App, find_toolchains
from engine.toolchains.chips import ESP8266
from engine.toolchains.platformio_project import is_library_in

_SECONDARY_TOOLCHAINS = frozenset({"arduino", "cmake"})
_EXAMPLES = "examples"
_HOST = "native"  # PlatformIO's platform of the machine that builds
_MAX_SHOWN = 8
_NAMES = {"platformio": "PlatformIO", "arduino": "Arduino", "idf": "ESP-IDF", "cmake": "CMake"}
_FILES = {"platformio": "platformio.ini", "arduino": "", "idf": "CMakeLists.txt"}
_COMMANDS = {
    "platformio": "pio run",
    "arduino": "arduino-cli compile",
    "idf": "the ESP8266 RTOS SDK",
}


@dataclass(frozen=True, slots=True)
class Survey:
    """What a repository holds.

    Args:
        apps: what espdeck builds, by path.
        unsupported: what it does not build, the kinds that matter most first.
    """

    apps: tuple[App, ...]
    unsupported: tuple[UnsupportedProject, ...]

    def app(self, folder: str) -> App | None:
        """The app in a folder, from the repository's root; None where there is none."""
        return next((each for each in self.apps if each.path == folder), None)

    def targets(self, folder: str) -> list[str]:
        """The chips that the sources of an app in a folder say, as far as espdeck knows them."""
        app = self.app(folder)
        return [chip for chip in app.targets if chip in TARGETS] if app else []

    def explain_absence(self, folder: str) -> str:
        """One line: why nothing can be built in a folder, and what can be done instead.

        Args:
            folder: from its root, empty for the root.
        """
        start = f"{folder}/" if folder else ""
        where = f"in {folder}" if folder else "at the root of the repository"
        instead = _instead([app for app in self.apps if app.path.startswith(start)] or self.apps)
        inside = [each for each in self.unsupported if each.file.startswith(start)]
        if any(each.name == COMPONENT for each in inside):
            rest = instead or "; it is built with an app that uses it"
            return f"an {COMPONENT} {where}, not an app{rest}"
        if inside and not (instead and folder_of(inside[0].file) != folder):
            more = "".join(f", {each.name}" for each in inside[1:4])
            told = inside[0]
            which = f"{told.name} ({told.file}){more}"
            return f"{which}, which espdeck does not build: use {told.builds_with}{instead}"
        return f"{NO_PROJECT} {where}{instead}"


def survey(files: SourceFiles) -> Survey:
    """Look through a repository; nothing of it is run.

    Of a folder that several toolchains could build, the one of the highest rank has it. Sketches
    and plain CMake projects inside of an app of another kind are its parts and tests, but for
    those in its ``examples``; inside of what is for this machine only, which tests them, they are
    not.

    Args:
        files: of the whole repository. Untrusted.

    Raises:
        ToolError: the files cannot be read.
    """
    by_folder: dict[str, App] = {}
    for toolchain in sorted(find_toolchains(), key=lambda each: each.rank, reverse=True):
        for app in toolchain.apps(files):
            if app.path.isprintable():
                by_folder.setdefault(app.path, app)
    wholes = frozenset(
        path
        for path, app in by_folder.items()
        if app.toolchain not in _SECONDARY_TOOLCHAINS and app.targets != (_HOST,)
    )
    apps = [
        by_folder[path]
        for path in sorted(by_folder)
        if by_folder[path].toolchain not in _SECONDARY_TOOLCHAINS or not _is_part(path, wholes)
    ]
    ours = [app for app in apps if not _is_for_others(app)]
    others = tuple(_as_foreign(app) for app in apps if _is_for_others(app))
    folders = frozenset(app.path for app in apps)
    unsupported = (
        each
        for each in find_unsupported(files)
        if not _is_inside(each.file, folders) and not is_library_in(folder_of(each.file), folders)
    )
    return Survey(tuple(ours), (*_one_a_kind(others), *unsupported))


def _instead(apps: Sequence[App]) -> str:
    if not apps:
        return ""
    more = f" and {len(apps) - _MAX_SHOWN} more" if len(apps) > _MAX_SHOWN else ""
    names = ", ".join(app.label for app in apps[:_MAX_SHOWN])
    return f"; add the project with one of its apps: {names}{more}"


def _is_part(path: str, wholes: frozenset[str]) -> bool:
    folder = path
    while folder:
        name = folder.rpartition("/")[2]
        folder = folder_of(folder)
        if folder in wholes and name != _EXAMPLES:
            return True
    return False


def _is_inside(file: str, apps: frozenset[str]) -> bool:
    """Whether a file lies beside an app's own, or anywhere in the folder of one."""
    folder = folder_of(file)
    if folder in apps:
        return True
    while folder:
        if folder in apps:
            return True
        folder = folder_of(folder)
    return False


def _is_for_others(app: App) -> bool:
    """Whether the sources say what it is for, and that is no ESP32 and not this machine."""
    return bool(app.targets) and not any(
        re.fullmatch(r"esp32\w*|linux", target) for target in app.targets
    )


def _as_foreign(app: App) -> UnsupportedProject:
    start = f"{app.path}/" if app.path else ""
    kind = _NAMES.get(app.toolchain, app.toolchain)
    target = "ESP8266" if app.targets[0] == ESP8266 else app.targets[0]
    file = _FILES.get(app.toolchain) or f"{app.path.rpartition('/')[2] or 'sketch'}.ino"
    builds_with = _COMMANDS.get(app.toolchain, app.toolchain)
    return UnsupportedProject(f"{kind} for {target}", start + file, builds_with)


def _one_a_kind(found: Iterable[UnsupportedProject]) -> Iterator[UnsupportedProject]:
    """The nearest to the root of each kind."""
    names: set[str] = set()
    for each in sorted(found, key=lambda each: each.file.count("/")):
        if each.name not in names:
            names.add(each.name)
            yield each
