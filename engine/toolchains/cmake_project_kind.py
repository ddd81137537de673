"""What kind of project a ``CMakeLists.txt`` describes."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from engine.files import read_file
from engine.source.files import MAX_TEXT
from engine.toolchains.cmake_lists import Description, ReadText, describe

LISTS = "CMakeLists.txt"
"""The file that CMake begins with."""

_APP_INCLUDES = (
    "tools/cmake/project.cmake",
    "tools/cmakev2/idf.cmake",
    "tools/cmakev2/project.cmake",
)
_LIBRARY_INCLUDE = "tools/cmake/idf.cmake"
_DESKTOP_PACKAGES = re.compile(r"Qt[456]?|PkgConfig|SDL2?|OpenGL|GTK[234]?|X11|glfw3|wxWidgets")


class ProjectKind(StrEnum):
    """Kinds of projects, as people call them."""

    APP = "ESP-IDF app"
    """It includes the build system of ESP-IDF (ESP-IDF, "Build System", "Minimal Example
    CMakeLists"; "Build System v2")."""

    LIBRARY = "CMake project with ESP-IDF as a library"
    """It includes ``idf.cmake`` and says itself what is built (ESP-IDF, "Using ESP-IDF in Custom
    CMake Projects")."""

    COMPONENT = "ESP-IDF component"
    """It is registered by the app that uses it."""

    PART = "part of an ESP-IDF project"
    """It calls the build system that something else includes."""

    ZEPHYR = "Zephyr"
    NUTTX = "NuttX"
    PICO = "Raspberry Pi Pico SDK"
    HOST = "CMake program for a computer"
    """It asks for what only computers have: Qt, or libraries that pkg-config knows."""

    PLAIN = "CMake"
    """It calls ``project()`` and belongs to none of the others."""

    NONE = "no project"


def kind_of(said: Description) -> ProjectKind:
    """The kind of a project."""

    def calls(*beginnings: str) -> bool:
        return any(name.startswith(beginnings) for name in said.commands)

    rules: tuple[tuple[ProjectKind, Callable[[], bool]], ...] = (
        (ProjectKind.APP, lambda: any(each.endswith(_APP_INCLUDES) for each in said.includes)),
        (
            ProjectKind.LIBRARY,
            lambda: any(each.endswith(_LIBRARY_INCLUDE) for each in said.includes),
        ),
        (ProjectKind.LIBRARY, lambda: "idf_build_process" in said.commands),
        (ProjectKind.COMPONENT, lambda: calls("idf_component_register", "register_component")),
        (ProjectKind.PART, lambda: calls("idf_build_", "idf_component_")),
        (ProjectKind.ZEPHYR, lambda: "Zephyr" in said.packages or calls("zephyr_")),
        (ProjectKind.NUTTX, lambda: calls("nuttx_")),
        (ProjectKind.PICO, lambda: calls("pico_")),
        (ProjectKind.HOST, lambda: calls("pkg_check_modules", "pkg_search_module", "qt_")),
        (
            ProjectKind.HOST,
            lambda: any(_DESKTOP_PACKAGES.fullmatch(each) for each in said.packages),
        ),
        (ProjectKind.PLAIN, lambda: "project" in said.commands),
    )
    return next((kind for kind, holds in rules if holds()), ProjectKind.NONE)


def kind_of_text(text: str, read: ReadText = lambda _name: "") -> ProjectKind:
    """The kind of the project of a file's text; ``read`` as for :func:`describe`."""
    return kind_of(describe(text, read)) if text else ProjectKind.NONE


def kind_of_folder(folder: Path) -> ProjectKind:
    """The kind of the project in a folder of a checkout; one that cannot be read is none."""

    def read(name: str) -> str:
        try:
            return read_file(folder / name, MAX_TEXT).decode("utf-8-sig", "replace")
        except (OSError, ValueError):
            return ""

    return kind_of_text(read(LISTS), read)
