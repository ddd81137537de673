"""Quick looks at a person's folder: whether it has changes, and how far a commit is ahead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from git import Repo

from engine.cancel import CancelToken
from engine.errors import CancelledError, ToolError
from engine.projects.folder_state import (
    FolderState,
    count_commits,
    read_folder_state,
    stamp_of,
)
from tests.engine.git_repos import commit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    commit(tmp_path / "node", {"main.c": "int main;", ".gitignore": "build/\n"})
    return tmp_path / "node"


def state(folder: Path) -> FolderState:
    return read_folder_state(folder, cancel=CancelToken(), timeout=30.0)


def test_a_clean_folder(folder: Path) -> None:
    (folder / "build").mkdir()
    (folder / "build" / "app.elf").write_text("ignored")
    with Repo(folder) as repository:
        head = repository.head.commit.hexsha

    assert state(folder) == FolderState(is_dirty=False, branch="main", head=head)


@pytest.mark.parametrize("name", ["main.c", "new.c", "new/deep/\udcffile \n.c"])
def test_what_is_changed_or_new_makes_it_dirty(folder: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("int other;")

    assert state(folder).is_dirty


def test_a_folder_without_a_commit_and_one_without_a_branch(folder: Path, tmp_path: Path) -> None:
    Repo.init(tmp_path / "empty", initial_branch="main").close()
    with Repo(folder) as repository:
        repository.git.checkout("--detach")

    assert state(tmp_path / "empty") == FolderState(is_dirty=False, branch="main", head="")
    assert state(folder).branch == ""


def test_nothing_is_written_and_a_lock_is_no_hindrance(folder: Path) -> None:
    index = folder / ".git" / "index"
    os.utime(folder / "main.c", (1, 1))  # Git would refresh its index
    before = index.stat().st_mtime_ns
    (folder / ".git" / "index.lock").touch()

    assert not state(folder).is_dirty
    assert index.stat().st_mtime_ns == before


def test_what_is_no_working_tree(tmp_path: Path) -> None:
    Repo.init(tmp_path / "bare", bare=True).close()

    for name in ("bare", "nothing"):
        with pytest.raises(ToolError):
            state(tmp_path / name)


def test_it_can_be_cancelled(folder: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        read_folder_state(folder, cancel=token, timeout=30.0)


def test_commits_are_counted(folder: Path) -> None:
    first = commit(folder, {"a.c": "1"})
    commit(folder, {"a.c": "2"})
    last = commit(folder, {"a.c": "3"})

    def counted(before: str, after: str) -> int:
        return count_commits(folder, before, after, cancel=CancelToken(), timeout=30.0)

    assert (counted(first, last), counted(last, first)) == (2, 0)
    with pytest.raises(ToolError):
        counted("f" * 40, last)


def test_a_commit_and_a_checkout_change_the_stamp(folder: Path) -> None:
    before = stamp_of(folder)
    assert stamp_of(folder) == before

    commit(folder, {"main.c": "int more;"})

    assert stamp_of(folder) != before
    assert stamp_of(folder / "gone") == ()
