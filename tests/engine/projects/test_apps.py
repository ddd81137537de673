"""Apps of a repository: found in a commit, one of them built, and only when something changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from git import Repo

from engine.errors import ToolError, UsageError
from engine.projects.apps import (
    check_app,
    check_configuration,
    find_app,
    find_apps,
    touches,
)
from engine.toolchains.base import App, AppConfiguration
from tests.engine.git_repos import commit

PROJECT = (
    "cmake_minimum_required(VERSION 3.16)\n"
    "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\n"
    "project(app)\n"
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two apps, a component that they share, and what only looks like an app."""
    folder = tmp_path / "fw"
    commit(
        folder,
        {
            "README.md": "Two apps\n",
            "common/CMakeLists.txt": "idf_component_register(SRCS c.c)\n",
            "common/c.c": "int c;\n",
            "apps/blink/CMakeLists.txt": PROJECT,
            "apps/blink/main/CMakeLists.txt": "idf_component_register(SRCS main.c)\n",
            "apps/blink/main/main.c": "void app_main(void) {}\n",
            "apps/blink/sdkconfig.ci.release": "CONFIG_A=y\n",
            "apps/blink/sdkconfig.ci.debug": "CONFIG_A=n\n",
            "apps/blink/sdkconfig.ci.debug.esp32s3": "CONFIG_B=y\n",
            "apps/blink/sdkconfig.ci.linux": "CONFIG_B=y\n",
            "apps/blink/test_apps/CMakeLists.txt": PROJECT,
            "apps/blink2/CMakeLists.txt": PROJECT,
            "host/CMakeLists.txt": f"project(host C)\n# {PROJECT.splitlines()[1]}\n",
            "managed_components/x/examples/y/CMakeLists.txt": PROJECT,
        },
    )
    return folder


def test_apps_are_found_with_their_configurations(repository: Path) -> None:
    assert find_apps(repository, "HEAD") == (
        App(
            "apps/blink",
            "idf",
            targets=("esp32s3", "linux"),
            configurations=(AppConfiguration("debug"), AppConfiguration("release")),
        ),
        App("apps/blink2", "idf"),
    )


def test_an_app_at_the_root_is_the_only_one(repository: Path) -> None:
    commit(repository, {"CMakeLists.txt": PROJECT, "sdkconfig.ci.one": ""})

    assert find_apps(repository, "HEAD") == (
        App("", "idf", configurations=(AppConfiguration("one"),)),
    )


def test_a_repository_without_an_app_has_none(tmp_path: Path) -> None:
    commit(tmp_path / "fw", {"CMakeLists.txt": "add_library(fw fw.c)\n"})

    assert find_apps(tmp_path / "fw", "HEAD") == ()


def test_an_app_below_another_is_found_when_it_is_asked_for(repository: Path) -> None:
    assert find_app(repository, "HEAD", "apps/blink/test_apps") == App(
        "apps/blink/test_apps", "idf", ()
    )
    assert find_app(repository, "HEAD", "apps/blink2") == App("apps/blink2", "idf", ())


def test_where_no_app_is_the_kind_of_what_is_there_is_told(tmp_path: Path) -> None:
    commit(
        tmp_path / "fw",
        {"app/CMakeLists.txt": "find_package(Zephyr REQUIRED)\nproject(keyboard)\n"},
    )
    told = find_app(tmp_path / "fw", "HEAD", "")
    assert told == (
        "Zephyr (app/CMakeLists.txt), which espdeck does not build: use west build -b BOARD"
    )


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("apps/blink/main/main.c", True),
        ("common/c.c", True),
        ("partitions.csv", True),
        ("apps/blink2/main/main.c", False),
        ("README.md", False),
        ("apps/blink/README.md", False),
    ],
)
def test_a_commit_touches_an_app_by_what_it_is_built_from(
    repository: Path, file: str, touched: bool
) -> None:
    before = commit(repository, {"x": "1"})
    after = commit(repository, {file: "changed\n"})

    assert touches(repository, "apps/blink", before, after) is touched
    assert not touches(repository, "apps/blink", after, after)


def test_a_file_that_moves_between_apps_touches_both(repository: Path) -> None:
    with Repo(repository) as opened:
        before = opened.head.commit.hexsha
        opened.git.mv("apps/blink/main/main.c", "apps/blink2/main.c")
    after = commit(repository, {})

    assert touches(repository, "apps/blink", before, after)
    assert touches(repository, "apps/blink2", before, after)


def test_a_commit_that_is_gone_is_said(repository: Path) -> None:
    with pytest.raises(ToolError):
        touches(repository, "", "0" * 40, "HEAD")


@pytest.mark.parametrize("app", ["/etc", "../other", "a/../../b", "a\nb", "x" * 500])
def test_a_folder_that_leaves_the_repository_is_refused(app: str) -> None:
    with pytest.raises(UsageError):
        check_app(app)


def test_a_folder_is_kept_in_one_spelling() -> None:
    assert [check_app(each) for each in ("", ".", "./", "apps/blink/", "./apps//blink")] == [
        "",
        "",
        "",
        "apps/blink",
        "apps/blink",
    ]


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "-x", "a b"])
def test_a_configuration_that_names_no_file_beside_the_app_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_configuration(name)
