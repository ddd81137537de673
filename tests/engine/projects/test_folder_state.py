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
from engine.projects.working_tree import changes
from tests.engine.git_repos import commit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")  # which may name git-lfs
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


def with_filter(folder: Path, name: str, ran: Path) -> None:
    """Have a repository name a filter for its sources that leaves a file behind when it runs."""
    with Repo(folder) as repository, repository.config_writer() as config:
        config.set_value(f'filter "{name}"', "clean", f"touch {ran}; cat")
        config.set_value(f'filter "{name}"', "required", "true")
    attributes = folder / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text(f"*.c filter={name}\n")
    os.utime(folder / "main.c", (1, 1))


@pytest.mark.parametrize("name", ["mine", "a=b.c", "lfs"])
def test_filters_that_a_folder_names_do_not_run(folder: Path, tmp_path: Path, name: str) -> None:
    with_filter(folder, name, tmp_path / "ran")

    assert not state(folder).is_dirty
    assert not changes(folder, cancel=CancelToken())
    assert not (tmp_path / "ran").exists()
    (folder / "main.c").write_text("int more;")
    assert state(folder).is_dirty
    assert not (tmp_path / "ran").exists()


def test_filters_of_submodules_and_included_files_do_not_run(folder: Path, tmp_path: Path) -> None:
    commit(tmp_path / "lib", {"main.c": "int l;\n"})
    with Repo(folder) as repository:
        add = ("submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
        repository.git.execute(["git", "-c", "protocol.file.allow=always", *add])
    commit(folder, {})
    assert not state(folder).is_dirty
    own = folder / ".git" / "modules" / "lib"
    (own / "more").write_text(f'[filter "x"]\n\tclean = "touch {tmp_path}/ran; cat"\n')
    with (own / "config").open("a") as config:
        config.write("[include]\n\tpath = more\n")
    (own / "info").mkdir(exist_ok=True)
    (own / "info" / "attributes").write_text("*.c filter=x\n")

    (folder / "lib" / "main.c").write_text("int m;\n")

    assert state(folder).is_dirty
    assert changes(folder, cancel=CancelToken()).submodules == ("lib",)
    assert not (tmp_path / "ran").exists()


def test_filters_that_a_person_chose_do_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_filter(folder, "mine", tmp_path / "ran")
    chosen = f'[filter "mine"]\n\tclean = "touch {tmp_path}/chosen; tr a-z A-Z"\n'
    (tmp_path / "gitconfig").write_text(chosen)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))

    assert state(folder).is_dirty  # as the filter has it
    assert (tmp_path / "chosen").exists()
    assert not (tmp_path / "ran").exists()


def test_git_lfs_runs_as_its_install_command_has_it_unless_a_folder_extends_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lfs = tmp_path / "bin" / "git-lfs"
    lfs.parent.mkdir()
    lfs.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\ncat\n")
    lfs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{lfs.parent}:{os.environ['PATH']}")
    with_filter(folder, "lfs", tmp_path / "never")
    with Repo(folder) as repository:
        repository.git.config("filter.lfs.clean", "git-lfs clean -- %f")

    assert not state(folder).is_dirty
    assert (tmp_path / "ran").exists()

    (tmp_path / "ran").unlink()
    with Repo(folder) as repository:
        repository.git.config("lfs.extension.x.clean", "touch never")
    assert not state(folder).is_dirty
    assert not (tmp_path / "ran").exists()
