"""CMake's language: commands and arguments as CMake takes them apart, and kinds of projects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.toolchains.cmake_lists import commands, describe
from engine.toolchains.cmake_project_kind import ProjectKind, kind_of_text

PROJECT_CMAKE = "$ENV{IDF_PATH}/tools/cmake/project.cmake"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("set(a b)", ["a", "b"]),
        ("SET ( a\n\t b # c\n)", ["a", "b"]),
        ('set("a b" "c\\"d" "e;f")', ["a b", 'c"d', "e;f"]),
        ("set(a;b;;c)", ["a", "b", "c"]),
        ("set([[a]b]] [==[c]]d]==])", ["a]b", "c]]d"]),
        ("set(a (b (c)) d)", ["a", "b", "c", "d"]),
        ("#[[ set(x)\n]] set(a)", ["a"]),
        ("# set(x)\nset(a\\ b)", ["a b"]),
        ("set()", []),
    ],
)
def test_arguments_are_taken_apart_as_by_cmake(text: str, arguments: list[str]) -> None:
    (command,) = commands(text)

    assert (command.name, list(command.arguments)) == ("set", arguments)


@pytest.mark.parametrize("text", ["set(a", 'set("a)', "set([[a)", "#[[ set(a)", ") set(a)", "set"])
def test_what_is_not_whole_is_no_command(text: str) -> None:
    assert list(commands(text)) == []


@given(st.text(alphabet='a()[]="\\# \n;$', max_size=60))
def test_any_text_is_taken_apart(text: str) -> None:
    assert all(command.name for command in commands(text))


def test_the_last_value_of_a_variable_counts_and_circles_end() -> None:
    said = describe("set(a 1)\nset(b ${a}/x)\nset(a ${b} ${unknown})\ninclude(${a})\n")

    assert said.variables == {"a": "1/x;${unknown}", "b": "1/x"}
    assert said.includes == ("1/x;${unknown}",)


def test_a_file_that_includes_itself_is_read_once() -> None:
    asked: list[str] = []

    def read(name: str) -> str:
        asked.append(name)
        return "include(${CMAKE_CURRENT_LIST_DIR}/own.cmake)\ninclude(cmake/../cmake/own.cmake)\n"

    describe("include(cmake/own.cmake)\n", read)

    assert asked == ["cmake/own.cmake"]


def test_what_a_file_sets_is_known_behind_its_include() -> None:
    own = "get_filename_component(ROOT ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)\n"

    said = describe("include(cmake/env.cmake)\ninclude(${ROOT}/x.cmake)\n", lambda _name: own)

    assert said.includes == ("cmake/env.cmake", "cmake/../x.cmake")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"include({PROJECT_CMAKE})\nproject(x)", ProjectKind.APP),
        (f"include({PROJECT_CMAKE})\nidf_build_set_property(A B)", ProjectKind.APP),
        ("include(../esp-idf/tools/cmake/project.cmake)", ProjectKind.APP),
        ("include($ENV{IDF_PATH}/tools/cmakev2/idf.cmake)", ProjectKind.APP),
        (f"message({PROJECT_CMAKE})\nproject(x)", ProjectKind.PLAIN),
        ("include($ENV{IDF_PATH}/tools/cmake/idf.cmake)\nproject(x)", ProjectKind.LIBRARY),
        ("idf_component_register(SRCS a.c)\nproject(x)", ProjectKind.COMPONENT),
        ("register_component()", ProjectKind.COMPONENT),
        ("idf_build_get_property(a B)\nproject(x)", ProjectKind.PART),
        ("find_package(Zephyr)\nproject(x)", ProjectKind.ZEPHYR),
        ("zephyr_library()", ProjectKind.ZEPHYR),
        ("project(x)", ProjectKind.PLAIN),
        ("add_library(x x.c)", ProjectKind.NONE),
        ("", ProjectKind.NONE),
    ],
)
def test_kinds_of_projects(text: str, kind: ProjectKind) -> None:
    assert kind_of_text(text) is kind
