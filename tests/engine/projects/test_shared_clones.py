"""Several projects of one source, and the room that they take."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.projects import project_sync
from engine.projects.jobs import fetch_lock
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard, codes


@pytest.mark.slow
def test_projects_of_one_source_share_clone_and_worktrees(yard: Yard, source: Path) -> None:
    for number in range(12):
        commit(source, {f"apps/a{number}/CMakeLists.txt": f"project(a{number} C)\n"})
    apps = [yard.projects.find_or_add(str(source), app=f"apps/a{number}") for number in range(12)]
    for app in apps:
        yard.sources(yard.now(app))

    assert len({app.clone_path for app in apps}) == 1
    assert len(list(yard.folder.glob("*.git"))) == 1
    assert len(yard.slots.folders(Path(apps[0].clone_path))) == 1
    yard.projects.remove(apps[0].id)
    assert yard.now(apps[1]).project.name == "fw-a1"
    for app in apps[1:]:
        yard.projects.remove(app.id)
    assert list(yard.folder.iterdir()) == []


@pytest.mark.slow
def test_a_name_that_is_another_folder_here_is_not_guessed(
    yard: Yard, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = yard.add(source)
    commit(tmp_path / "desk" / "fw", {"main.c": "int other;\n"})
    monkeypatch.chdir(tmp_path / "desk")

    with pytest.raises(UsageError, match=r"fw is a project .* and a folder here: write \./fw"):
        yard.projects.find_or_add("fw")
    assert yard.projects.find_or_add("./fw").id != project.id
    monkeypatch.chdir(tmp_path)
    assert yard.projects.find_or_add("fw").id == project.id


@pytest.mark.slow
def test_room_is_made_without_losing_a_commit_that_was_built(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    located = yard.now(project)
    yard.sources(located)
    (usage,) = yard.projects.usage()
    assert (usage.projects, usage.worktrees > 0, usage.clone > 0) == (("fw",), True, True)
    (yard.folder / "0123456789abcdef.git").mkdir()

    freed = yard.projects.make_room(unused_for=0)

    assert freed.bytes > 0
    assert len(freed.removed) == 2
    assert yard.projects.usage()[0].worktrees == 0
    assert yard.sources(yard.now(project)) == {"main.c": "int x3;\n"}
    assert yard.projects.make_room(unused_for=3600).removed == ()


@pytest.mark.slow
def test_a_folder_in_a_repository_is_the_app_that_it_lies_in(yard: Yard, source: Path) -> None:
    commit(
        source,
        {
            "CMakeLists.txt": "project(fw C)\n",
            "idf/CMakeLists.txt": "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(x)\n",
            "idf/main/x.c": "int x;\n",
            "docs/index.md": "# Docs\n",
        },
    )
    found = {
        folder: yard.projects.find_or_add(f"{source}/{folder}").app
        for folder in ("idf", "idf/main", "docs", ".")
    }

    assert found == {"idf": "idf", "idf/main": "idf", "docs": "", ".": ""}
    assert len(yard.projects.list()) == 2


@pytest.mark.slow
def test_a_clone_that_another_project_fetches_into_is_not_waited_for_forever(
    yard: Yard, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = yard.add(source)
    monkeypatch.setattr(project_sync, "REFRESH_TIMEOUT_SECONDS", 0.0)
    lock = fetch_lock(Path(project.clone_path))
    assert lock.acquire()

    located = yard.now(project)

    lock.release()
    assert codes(located) == ["project.not_synced"]


def test_what_is_cloned_now_is_no_clone_that_no_project_has(yard: Yard, tmp_path: Path) -> None:
    clones = (yard.folder / "one.git", yard.folder / ".two.git.part", yard.folder / "three.git")
    for folder in clones:
        folder.mkdir(parents=True)
    held = [fetch_lock(yard.folder / name) for name in ("one.git", "two.git")]
    assert all(lock.acquire() for lock in held)

    yard.projects.make_room(unused_for=0.0)

    for lock in held:
        lock.release()
    assert [folder.exists() for folder in clones] == [True, True, False]


def test_a_project_without_an_app_is_told_to_be_what_it_is(yard: Yard, tmp_path: Path) -> None:
    lists = {"CMakeLists.txt": "find_package(Zephyr REQUIRED)\nproject(keyboard)\n"}
    commit(tmp_path / "keys", lists)
    added = yard.projects.add(str(tmp_path / "keys"))
    project = yard.projects.wait(added.id, timeout=30)
    assert project.targets == []
    assert project.status_detail == (
        "Zephyr (CMakeLists.txt), which espdeck does not build: use west build -b BOARD"
    )
