"""Revisions as people write them, of a project's source."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard, codes, git

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("HEAD~1", "Commit 2"),
        ("HEAD^^", "Commit 1"),
        ("@", "Commit 3"),
        ("main~2", "Commit 1"),
        ("origin/main", "Commit 3"),
        ("origin/side", "Aside"),
        ("side^", "Commit 3"),
        ("v1", "Commit 1"),
        ("refs/tags/v1", "Commit 1"),
        ("refs/heads/side", "Aside"),
        ("v1^{commit}", "Commit 1"),
        ("feature/a-b.c", "Aside"),
    ],
)
def test_revisions_are_git_s_own(yard: Yard, source: Path, revision: str, message: str) -> None:
    git(source, "tag", "-a", "-m", "One", "v1", "HEAD~2")
    git(source, "checkout", "-q", "-b", "side")
    commit(source, {"main.c": "int aside;\n"}, "Aside")
    git(source, "branch", "feature/a-b.c")
    git(source, "checkout", "-q", "main")

    assert yard.now(yard.add(source), revision).commit.message == message


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("nope", "no commit, branch or tag 'nope'"),
        ("main..side", "names several commits"),
        ("HEAD~9", "HEAD has no such ancestor"),
        ("--output=x", "is not a branch, tag or commit"),
        ("HEAD:main.c", "is not a branch, tag or commit"),
        ("main@{1}", "is not a branch, tag or commit"),
        (":/Commit", "is not a branch, tag or commit"),
        ("HEAD~99999999", "is not a branch, tag or commit"),
        ("f" * 40, "no commit, branch or tag"),
        ("refs/pull/7/head", "no commit, branch or tag"),
        ("", "is not a branch, tag or commit"),
    ],
)
def test_what_names_no_commit_is_one_clear_line(
    yard: Yard, source: Path, revision: str, said: str
) -> None:
    project = yard.add(source)

    with pytest.raises(UsageError) as raised:
        yard.now(project, revision)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_commit_that_no_branch_has_is_fetched_by_its_hash_or_its_ref(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    git(source, "checkout", "-q", "--detach")
    wanted = commit(source, {"main.c": "int lost;\n"}, "Of no branch")
    git(source, "update-ref", "refs/pull/7/head", wanted)
    git(source, "checkout", "-q", "main")

    assert yard.now(project, wanted).commit.message == "Of no branch"
    assert yard.now(project, "refs/pull/7/head").commit.sha == wanted


def test_a_range_names_two_commits(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    yard.now(project)
    three, two = (git(source, "rev-parse", name) for name in ("HEAD", "HEAD~1"))

    assert yard.projects.commits(project.id, "HEAD~1..main").hashes == f"{two}..{three}"
    assert yard.projects.commits(project.id, "main~1...").hashes == f"{two}...{three}"
    assert yard.projects.commits(project.id, "main~1").hashes == f"{two}...{three}"


def test_a_branch_goes_before_the_first_digits_of_a_commit(yard: Yard, source: Path) -> None:
    first = git(source, "rev-parse", "HEAD~2")
    git(source, "branch", first[:6], "HEAD~1")
    project = yard.add(source)

    assert yard.now(project, first[:6]).commit.message == "Commit 2"
    assert yard.now(project, first[:7]).commit.message == "Commit 1"


def test_what_was_fetched_of_a_merge_request_stays_when_its_source_is_gone(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    git(source, "update-ref", "refs/pull/7/head", "HEAD~1")
    yard.now(project, "refs/pull/7/head")
    source.rename(source.with_name("moved"))

    located = yard.now(project, "refs/pull/7/head")

    assert located.commit.message == "Commit 2"
    assert codes(located) == ["project.not_synced", "project.not_synced"]
