"""Files of a commit and of a folder: the same names and texts, bounded, no link followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from git import Repo

from engine.errors import ToolError
from engine.source import files
from engine.source.files import CommitFiles, FolderFiles
from tests.engine.git_repos import AUTHOR, commit


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with text, a binary, a link, an empty file and a large one."""
    folder = tmp_path / "fw"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "logo.bin").write_bytes(b"\x89P\0NG")
    (folder / "data" / "latin.txt").write_bytes(b"gr\xfc\xdfe")
    (folder / "link.c").symlink_to("main/main.c")
    (folder / "large.txt").write_text("x" * (files.MAX_TEXT + 1))
    commit(folder, {"main/main.c": "int main;\n", "empty": "", "ä.txt": "\ufeffäh\n"})
    return folder


def test_a_commit_and_its_folder_are_alike(tree: Path) -> None:
    names = ["data/latin.txt", "data/logo.bin", "empty", "large.txt", "main/main.c", "ä.txt"]
    with CommitFiles(tree, "HEAD") as committed:
        folder = FolderFiles(tree)
        assert list(committed.names) == list(folder.names) == names
        asked = [*names, "link.c", "main", "absent", "../fw/main/main.c", ""]
        texts = [committed.text(name) for name in asked]
        assert texts == [folder.text(name) for name in asked]

    assert texts == ["gr\ufffd\ufffde", "", "", "", "int main;\n", "äh\n", "", "", "", "", ""]


def test_a_commit_is_read_as_it_was(tree: Path) -> None:
    before = commit(tree, {"main/main.c": "before\n"})
    commit(tree, {"main/main.c": "after\n", "new.c": ""})

    with CommitFiles(tree, before) as found:
        assert "new.c" not in found.names
        assert found.text("main/main.c") == "before\n"


def test_a_worktree_inside_of_a_hook_is_read_by_its_own_repository(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Repo(tree) as repository:
        repository.git.worktree("add", "--detach", str(tmp_path / "slot"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_INDEX_FILE", "index")

    with CommitFiles(tmp_path / "slot", "HEAD") as found:
        assert found.text("main/main.c") == "int main;\n"


def test_a_submodule_is_no_file(tree: Path) -> None:
    with Repo(tree) as repository:
        sha = repository.head.commit.hexsha
        repository.git.update_index("--add", "--cacheinfo", f"160000,{sha},lib")
        repository.index.update()
        repository.index.commit("Add a submodule", author=AUTHOR, committer=AUTHOR)
        assert "lib" in repository.git.ls_tree("--name-only", "HEAD").splitlines()

    with CommitFiles(tree, "HEAD") as found:
        assert "lib" not in found.names


def test_names_are_bounded(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_NAMES", 3)

    with CommitFiles(tree, "HEAD") as found:
        assert len(found.names) == len(FolderFiles(tree).names) == 3
        assert found.text(found.names[0])


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    found = FolderFiles(tmp_path)

    assert (list(found.names), found.text("pipe")) == ([], "")


@pytest.mark.parametrize("commit", ["nothing", "--help", "0" * 40])
def test_a_commit_that_is_not_there_is_said(tree: Path, commit: str) -> None:
    with CommitFiles(tree, commit) as found, pytest.raises(ToolError, match="commit"):
        len(found.names)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="absent"):
        len(FolderFiles(tmp_path / "absent").names)
