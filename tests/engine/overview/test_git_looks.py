"""Looks at folders in the background: what they find, how often they are made, and what hangs."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ToolError
from engine.events import Event, ProjectLooked
from engine.overview import git_looks
from engine.overview.git_looks import (
    AGAIN_SECONDS,
    SHARE,
    SOON_SECONDS,
    GitLooks,
    Glance,
    Seen,
)
from engine.projects.folder_state import FolderState
from tests.engine.git_repos import commit
from tests.engine.overview.lab import OK, Lab
from tests.waits import wait_for


class Looks:
    """Looks of a test: what is looked at and how long that takes is said by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.took = 0.0
        self.state = FolderState(is_dirty=False, branch="main", head="")
        self.looked: list[str] = []
        self.changed: list[uuid.UUID] = []
        self.hangs: dict[str, threading.Event] = {}
        self.looks = GitLooks(self.changed.append, look=self.look, monotonic=lambda: self.now)

    def look(self, folder: Path, **_how: object) -> FolderState:
        self.looked.append(str(folder))
        if event := self.hangs.get(str(folder)):
            event.wait()
        self.now += self.took
        return self.state

    def look_at(self, *glances: Glance) -> None:
        self.looks.look(glances)
        assert self.looks.wait(10.0)


@pytest.fixture
def looks() -> Iterator[Looks]:
    made = Looks()
    yield made
    for event in made.hangs.values():
        event.set()
    made.looks.close()


def glance(name: str = "node", **fields: object) -> Glance:
    usual = {
        "project_id": uuid.uuid5(uuid.NAMESPACE_DNS, name),
        "folder": f"/nowhere/{name}",
        "clone": "/nowhere/clone",
        "branch": "main",
        "built": "",
        "tip": "",
    }
    return Glance(**{**usual, **fields})  # type: ignore[arg-type]


def test_what_is_seen_is_told_once(looks: Looks) -> None:
    node = glance()
    looks.look_at(node)
    looks.state = FolderState(is_dirty=True, branch="main", head="")
    for _ in range(2):
        looks.now += AGAIN_SECONDS
        looks.look_at(node)

    assert looks.looks.seen(node) == Seen(is_dirty=True)
    assert looks.changed == [node.project_id]


def test_a_folder_is_looked_at_the_less_the_longer_that_takes(looks: Looks) -> None:
    node, looks.took = glance(), 2.0
    looks.look_at(node)
    looks.now += SHARE * looks.took - 3.0
    looks.look_at(node)
    assert len(looks.looked) == 1

    looks.now += 3.0
    looks.look_at(node)
    assert len(looks.looked) == 2


def test_a_commit_is_seen_soon(looks: Looks, tmp_path: Path) -> None:
    commit(tmp_path, {"main.c": "1"})
    node = glance(folder=str(tmp_path))
    looks.look_at(node)
    looks.now += SOON_SECONDS
    looks.look_at(node)
    assert len(looks.looked) == 1

    commit(tmp_path, {"main.c": "2"})
    looks.now += SOON_SECONDS
    looks.look_at(node)

    assert len(looks.looked) == 2


def test_what_git_cannot_count_is_asked_once(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def count(_repository: Path, _before: str, after: str, **_how: object) -> int:
        asked.append(after)
        raise ToolError("bad object")

    monkeypatch.setattr(git_looks, "count_commits", count)
    for tip in ("2" * 40, "3" * 40):
        looks.state = FolderState(is_dirty=False, branch="main", head=tip)
        for _ in range(2):
            looks.now += AGAIN_SECONDS
            looks.look_at(glance(built="1" * 40))

    assert asked == ["2" * 40, "3" * 40]


def test_apps_of_one_folder_cost_one_look(looks: Looks) -> None:
    folder = "/nowhere/repository"
    apps = [glance(f"app{number}", folder=folder) for number in range(5)]

    looks.look_at(*apps)

    assert looks.looked == [folder]


def test_a_source_elsewhere_whose_tip_was_built_is_not_looked_at(looks: Looks) -> None:
    looks.look_at(glance(folder=""))

    assert looks.looked == looks.changed == []


def test_a_folder_that_git_refuses(looks: Looks) -> None:
    def refuse(_folder: Path, **_how: object) -> FolderState:
        raise ToolError("no working tree")

    looks.looks = GitLooks(looks.changed.append, look=refuse)
    looks.look_at(glance())

    assert looks.looks.seen(glance()) == Seen()


def test_folders_that_hang_hold_up_neither_others_nor_the_end(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_looks, "CLOSE_SECONDS", 0.05)
    stuck = [glance(f"stuck{number}") for number in range(2)]
    looks.hangs = {each.folder: threading.Event() for each in stuck}
    looks.looks.look(stuck)
    wait_for(lambda: len(looks.looked) == len(stuck))

    looks.now += 60.0
    looks.looks.look([*stuck, glance("other")])
    wait_for(lambda: glance("other").folder in looks.looked)
    looks.looks.close()

    assert sorted(looks.looked) == [f"/nowhere/{name}" for name in ("other", "stuck0", "stuck1")]


def test_nothing_is_looked_at_once_it_is_closed(looks: Looks) -> None:
    looks.looks.close()
    looks.look_at(glance())

    assert looks.looked == []


def test_a_lab_sees_changes_and_commits_of_a_folder(tmp_path: Path) -> None:
    lab, folder = Lab(tmp_path), tmp_path / "node"
    built = commit(folder, {"main.c": "1"})
    project = lab.project("node", source=str(folder), branch="main", tip=built)
    lab.build(project, OK, commit_sha=built)
    commit(folder, {"main.c": "2"})
    commit(folder, {"main.c": "3"})
    (folder / "new.c").write_text("int new;")
    heard: list[Event] = []
    lab.bus.subscribe(heard.append)

    (before,) = lab.overview.projects()
    lab.overview.look()
    assert lab.overview.wait_for_looks(30.0)
    after = lab.overview.project(project.id)
    lab.overview.close()

    assert (before.is_dirty, before.ahead) == (False, 0)
    assert after is not None
    assert (after.is_dirty, after.ahead) == (True, 2)
    assert [type(each) for each in heard] == [ProjectLooked]


def test_a_project_that_is_read_while_all_are_read_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, folder = Lab(tmp_path), tmp_path / "node"
    commit(folder, {"main.c": "1"})
    (folder / "new.c").write_text("int new;")
    added: list[uuid.UUID] = []
    flashed = lab.boards.flashed

    def add_meanwhile() -> Any:
        if not added:
            added.append(lab.project("node", source=str(folder), branch="main").id)
            lab.overview.project(added[0])
        return flashed()

    monkeypatch.setattr(lab.boards, "flashed", add_meanwhile)

    assert lab.overview.projects() == []
    lab.overview.look()
    assert lab.overview.wait_for_looks(30.0)
    after = lab.overview.project(added[0])
    lab.overview.close()

    assert after is not None
    assert after.is_dirty
