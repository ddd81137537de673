"""What kind of project a ``CMakeLists.txt`` describes."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from engine.files import read_file
from engine.source.files import MAX_TEXT
from engine.toolchains.cmake_lists import Description, Read, describe

LISTS = "CMakeLists.txt"
"""The file that CMake begins with."""

_APP = ("tools/cmake/project.cmake", "tools/cmakev2/idf.cmake", "tools/cmakev2/project.cmake")
_LIBRARY = "tools/cmake/idf.cmake"
_OF_COMPUTERS = re.compile(r"Qt[456]?|PkgConfig|SDL2?|OpenGL|GTK[234]?|X11|glfw3|wxWidgets")


class Kind(StrEnum):
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


def kind_of(said: Description) -> Kind:
    """The kind of a project."""

    def calls(*beginnings: str) -> bool:
        return any(name.startswith(beginnings) for name in said.commands)

    rules: tuple[tuple[Kind, Callable[[], bool]], ...] = (
        (Kind.APP, lambda: any(each.endswith(_APP) for each in said.includes)),
        (Kind.LIBRARY, lambda: any(each.endswith(_LIBRARY) for each in said.includes)),
        (Kind.LIBRARY, lambda: "idf_build_process" in said.commands),
        (Kind.COMPONENT, lambda: calls("idf_component_register", "register_component")),
        (Kind.PART, lambda: calls("idf_build_", "idf_component_")),
        (Kind.ZEPHYR, lambda: "Zephyr" in said.packages or calls("zephyr_")),
        (Kind.NUTTX, lambda: calls("nuttx_")),
        (Kind.PICO, lambda: calls("pico_")),
        (Kind.HOST, lambda: calls("pkg_check_modules", "pkg_search_module", "qt_")),
        (Kind.HOST, lambda: any(_OF_COMPUTERS.fullmatch(each) for each in said.packages)),
        (Kind.PLAIN, lambda: "project" in said.commands),
    )
    return next((kind for kind, holds in rules if holds()), Kind.NONE)


def kind_of_text(text: str, read: Read = lambda _name: "") -> Kind:
    """The kind of the project of a file's text; ``read`` as for :func:`describe`."""
    return kind_of(describe(text, read)) if text else Kind.NONE


def kind_of_folder(folder: Path) -> Kind:
    """The kind of the project in a folder of a checkout; one that cannot be read is none."""

    def read(name: str) -> str:
        try:
            return read_file(folder / name, MAX_TEXT).decode("utf-8-sig", "replace")
        except (OSError, ValueError):
            return ""

    return kind_of_text(read(LISTS), read)
