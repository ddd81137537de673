from __future__ import annotations

from pathlib import Path

import pytest
from git import Repo
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EspdeckError, ToolError, UsageError
from engine.projects import git_objects
from engine.projects.git import SOURCE_HEAD
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import git


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("repository")
    commit(folder, {"main/main.c": "int a;\nint b\n", "a.bin": "a\0b", "secret": "x"})
    (folder / "link.c").symlink_to("/etc/passwd")
    with Repo(folder) as repository:
        repository.git.add(all=True)
        repository.index.commit("Link", skip_hooks=True)
        return folder, repository.head.commit.hexsha


def test_a_file_is_read_as_its_commit_has_it(kept: tuple[Path, str]) -> None:
    folder, sha = kept
    assert git_objects.read_text(folder, sha, "main/main.c") == "int a;\nint b\n"
    assert git_objects.read_text(folder, sha, "./main/../main/main.c") == "int a;\nint b\n"
    (folder / "main" / "main.c").write_text("changed")
    assert git_objects.read_text(folder, sha, "main/main.c") == "int a;\nint b\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("main/gone.c", "is not in commit"),
        ("main", "is not a file in commit"),
        ("link.c", "is not a file in commit"),
        ("a.bin", "is a binary file"),
        ("/etc/passwd", "is not in the repository"),
        ("../../etc/passwd", "is not in the repository"),
        ("main/main.c/x", "is not in commit"),
    ],
)
def test_what_is_no_text_of_the_repository_is_one_line(
    kept: tuple[Path, str], name: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        git_objects.read_text(*kept, name)


def test_a_large_file_is_not_read(kept: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_objects, "MAX_TEXT_BYTES", 8)
    with pytest.raises(UsageError, match="has more than"):
        git_objects.read_text(*kept, "main/main.c")


def test_a_clone_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="sync the project"):
        git_objects.read_text(tmp_path / "gone", "HEAD", "main.c")


@pytest.mark.slow
@settings(max_examples=60)
@given(st.text(max_size=40))
def test_no_name_raises_anything_else(kept: tuple[Path, str], name: str) -> None:
    try:
        git_objects.read_text(*kept, name)
    except EspdeckError as error:
        assert "\n" not in str(error) or "\n" in name


def test_what_lies_between_two_commits(tmp_path: Path) -> None:
    first = commit(tmp_path, {"a": "1"}, "First")
    commit(tmp_path, {"a": "2"}, "Second\n\nWith a body")
    third = commit(tmp_path, {"a": "3"}, "Third")

    found = git_objects.commits_between(tmp_path, first, third, most=1)
    back = git_objects.commits_between(tmp_path, third, first)
    none = git_objects.commits_between(tmp_path, third, third)

    assert (found.count, found.behind, found.commits) == (2, 0, ((third, "Third"),))
    assert (back.count, back.behind, back.commits) == (0, 2, ())
    assert (none.count, none.behind, none.commits) == (0, 0, ())
    with pytest.raises(ToolError):
        git_objects.commits_between(tmp_path, "f" * 40, third)


def test_a_commit_is_on_a_ref_of_the_source_or_on_none(tmp_path: Path) -> None:
    first = commit(tmp_path / "fw", {"a": "1"})
    second = commit(tmp_path / "fw", {"a": "2"})
    git(tmp_path / "fw", "checkout", "-q", "--detach")
    loose = commit(tmp_path / "fw", {"a": "3"})
    git(tmp_path / "fw", "update-ref", "refs/pull/1/head", loose)
    git(tmp_path / "fw", "checkout", "-q", "main")

    assert git_objects.is_on_a_ref(tmp_path / "fw", first)
    assert git_objects.is_on_a_ref(tmp_path / "fw", second)
    assert not git_objects.is_on_a_ref(tmp_path / "fw", loose)
    for ref in ("refs/tags/v1", "refs/remotes/origin/dev", SOURCE_HEAD):
        git(tmp_path / "fw", "update-ref", ref, loose)
        assert git_objects.is_on_a_ref(tmp_path / "fw", loose)
        git(tmp_path / "fw", "update-ref", "-d", ref)
