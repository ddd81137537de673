"""Commits of pull requests that webhooks tell of: no board before somebody approves them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.builds.fixes import Fixes
from engine.enums import HookStatus, RunStatus
from engine.errors import AccessError, ConflictError, UsageError
from engine.store.database import StoreError
from engine.store.tables import Project
from tests.engine.git_repos import rewrite
from tests.engine.projects.repositories import git
from tests.engine.webhooks import requests
from tests.engine.webhooks.lab import HookYard, change, commits, head, pushed
from tests.engine.webhooks.requests import Request

pytestmark = pytest.mark.slow  # Git is started some ten times for each push


def propose(source: Path, number: int, text: str, refs: str = "refs/pull/{}/head") -> str:
    """A commit of a fork: no branch of the repository has it."""
    git(source, "checkout", "-q", "--detach", "main")
    sha = change(source, text)
    git(source, "update-ref", refs.format(number), sha)
    git(source, "checkout", "-q", "main")
    return sha


@pytest.fixture
def upstream(source: Path, tmp_path: Path) -> Path:
    """The repository as a server has it: bare, so that it is nobody's own folder."""
    git(tmp_path, "clone", "-q", "--bare", str(source), "up.git")
    return tmp_path / "up.git"


def publish(source: Path, upstream: Path, *refs: str) -> None:
    git(source, "push", "-q", "--force", str(upstream), "main", *refs)


@pytest.fixture
def proposed(yard: HookYard, source: Path, upstream: Path) -> tuple[Project, str]:
    """A project that builds pull requests, and the commit of one, which is built."""
    sha = propose(source, 7, "evil")
    publish(source, upstream, "refs/pull/7/head")
    project = yard.add(upstream, name="fw")
    yard.watch(pull_requests=True)
    yard.take(pull(upstream, sha))
    return project, sha


def pull(upstream: Path, sha: str, number: int = 7, **more: Any) -> Request:
    payload = requests.pull_request(str(upstream), number, sha, **more)
    return requests.github("pull_request", payload)


def test_pull_requests_are_ignored_unless_the_settings_say_otherwise(
    yard: HookYard, source: Path, upstream: Path
) -> None:
    project = yard.add(upstream, name="fw")
    row = yard.take(pull(upstream, "a" * 40))

    assert row.status is HookStatus.IGNORED
    assert "projects.fw.watch.pull_requests = true" in row.message
    assert commits(yard, project) == []


def test_a_pull_request_is_built_without_a_board(
    yard: HookYard, proposed: tuple[Project, str]
) -> None:
    run = yard.builds.get(1)

    assert (run.commit_sha, run.board, run.branch) == (proposed[1], "none", "pull/7")
    assert run.proposed_by == "github pull request #7 of mallory"
    assert run.is_held
    assert yard.webhooks.list()[0].message.endswith("in the simulator only before it is approved")


def test_a_merge_request_is_built_without_a_board(
    yard: HookYard, source: Path, upstream: Path
) -> None:
    sha = propose(source, 3, "evil", "refs/merge-requests/{}/head")
    publish(source, upstream, "refs/merge-requests/3/head")
    project = yard.add(upstream, name="fw")
    yard.watch(pull_requests=True)
    retitled = requests.merge_request(str(upstream), 3, sha, action="update")
    assert "no new commits" in yard.take(requests.gitlab(retitled)).message
    pushed_to = requests.merge_request(str(upstream), 3, sha, action="update", oldrev="a" * 40)
    yard.take(requests.gitlab(pushed_to, event="Merge Request Hook"))

    (run,) = yard.built(project)
    assert (run.branch, run.proposed_by) == (
        "merge-requests/3",
        "gitlab merge request !3 of mallory/fw",
    )
    assert run.is_held


@pytest.mark.parametrize("action", ["closed", "edited", "labeled", "review_requested", ""])
def test_what_brings_no_commits_builds_nothing(
    yard: HookYard, proposed: tuple[Project, str], upstream: Path, action: str
) -> None:
    row = yard.take(pull(upstream, proposed[1], action=action))

    assert row.status is HookStatus.IGNORED
    assert "no new commits" in row.message


def test_opened_and_synchronized_at_once_are_one_build(
    yard: HookYard, proposed: tuple[Project, str], upstream: Path
) -> None:
    """woodpecker-ci/woodpecker#2888."""
    row = yard.take(pull(upstream, proposed[1], action="synchronize"))

    assert row.status is HookStatus.IGNORED
    assert "which build 1 has" in row.message


def test_a_pull_request_to_another_branch_is_ignored(
    yard: HookYard, proposed: tuple[Project, str], upstream: Path
) -> None:
    assert "main is followed" in yard.take(pull(upstream, "a" * 40, 8, base="old")).message


def test_a_newer_push_ends_the_build_that_waits(
    yard: HookYard, proposed: tuple[Project, str], source: Path, upstream: Path
) -> None:
    newer = propose(source, 7, "worse")
    publish(source, upstream, "refs/pull/7/head")
    yard.take(pull(upstream, newer, action="synchronize"))

    assert commits(yard, proposed[0]) == [f"({proposed[1]})", newer]


def test_no_way_around_the_approval(
    yard: HookYard, proposed: tuple[Project, str], source: Path, upstream: Path
) -> None:
    project, sha = proposed
    yard.finish(1, RunStatus.SUCCESS)
    for commit_ in (sha, "refs/pull/7/head"):  # another asks for the same, by hash or by ref
        again = yard.builds.start(project.id, commit=commit_)
        assert (again.board, again.proposed_by) == ("none", "github pull request #7 of mallory")
    with pytest.raises(AccessError, match="reaches no board before somebody approves it"):
        yard.builds.start(project.id, commit=sha, board="virtual:esp32c3")
    yard.builds.retry(1)
    assert yard.builds.get(1).is_held
    # A commit of a fork that nobody told of.
    unknown = propose(source, 9, "worse")
    publish(source, upstream, "refs/pull/9/head")
    run = yard.builds.start(project.id, commit=unknown)
    assert (run.board, run.is_held) == ("none", True)
    for number in (1, run.number):
        with pytest.raises(AccessError, match="espdeck approve"):
            yard.builds.flashed(number, None)  # type: ignore[arg-type]  # refused before
    # Neither does it count as the project's own.
    assert yard.builds.list(project.id, RunStatus.SUCCESS, own=True) == []
    assert yard.builds.newest_result(project) is None


def test_a_repair_that_a_person_committed_is_the_projects_own(
    yard: HookYard, source: Path, upstream: Path
) -> None:
    project = yard.add(upstream, name="fw")
    clone = Path(project.clone_path)
    fixed = git(clone, "commit-tree", "-p", project.tip, "-m", "Fix", f"{project.tip}^{{tree}}")
    assert yard.builds.start(project.id, commit=project.tip).board == "auto"
    git(clone, "update-ref", "refs/heads/espdeck/fix-1", fixed)

    run = yard.builds.start(project.id, commit="espdeck/fix-1")

    assert (run.commit_sha, run.board, run.is_held) == (fixed, "auto", False)


def test_a_repair_of_a_pull_request_comes_to_no_branch(
    yard: HookYard, proposed: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed to the source, it would make the commit of the fork the project's own."""
    fixes = Fixes(yard.store, lambda: yard.settings)
    monkeypatch.setattr(fixes, "_open", lambda _number: None)

    with pytest.raises(AccessError, match="espdeck approve 1"):
        fixes.commit(1)


def test_a_pull_request_that_is_merged_is_built_with_a_board(
    yard: HookYard, proposed: tuple[Project, str], source: Path, upstream: Path
) -> None:
    project, sha = proposed
    git(source, "merge", "-q", "--ff-only", sha)
    publish(source, upstream)
    row = yard.take(requests.github("push", requests.push(str(upstream), sha, before=project.tip)))

    assert "build 2 started" in row.message
    run = yard.builds.get(2)
    assert (run.board, run.proposed_by) == ("auto", "")


def test_own_history_that_was_rewritten_is_the_projects_own(
    yard: HookYard, source: Path, upstream: Path
) -> None:
    project = yard.add(upstream, name="fw")
    old = head(source)
    yard.builds.start(project.id)
    rewrite(source)
    publish(source, upstream)

    run = yard.builds.start(project.id, commit=old)

    assert (run.commit_sha, run.board, run.is_held) == (old, "auto", False)


def test_an_approval_builds_the_commit_with_a_board(
    yard: HookYard, proposed: tuple[Project, str]
) -> None:
    project, sha = proposed
    yard.finish(1, RunStatus.SUCCESS)

    run = yard.builds.approve(1, "ada")

    assert (run.number, run.commit_sha, run.board) == (2, sha, "auto")
    assert (run.approved_by, run.is_held) == ("ada", False)
    assert not yard.builds.get(1).is_held
    assert yard.builds.start(project.id, commit=sha).board == "auto"
    with pytest.raises(ConflictError, match="ada approved build 1 already"):
        yard.builds.approve(1, "bob")


def test_an_approval_is_of_one_commit(
    yard: HookYard, proposed: tuple[Project, str], source: Path, upstream: Path
) -> None:
    yard.finish(1, RunStatus.SUCCESS)
    yard.builds.approve(1, "ada")
    newer = propose(source, 7, "worse")
    publish(source, upstream, "refs/pull/7/head")
    yard.take(pull(upstream, newer, action="synchronize"))

    assert yard.builds.get(3).is_held


def test_an_approval_that_starts_no_build_is_none(
    yard: HookYard, proposed: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies, or the disk is full: who approves it again is not told that it was."""

    def die(*_arguments: object, **_more: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("engine.builds.service.git_objects.keep_commit", die)
        with pytest.raises(StoreError):
            yard.builds.approve(1, "ada")
    assert yard.builds.get(1).is_held
    assert yard.builds.get(1).status is RunStatus.PENDING

    assert yard.builds.approve(1, "bob").number == 2


def test_of_two_who_approve_at_once_one_does(yard: HookYard, proposed: tuple[Project, str]) -> None:
    both = threading.Barrier(2)

    def approve(by: str) -> str:
        both.wait(30)
        try:
            return str(yard.builds.approve(1, by).approved_by)
        except ConflictError:
            return ""

    with ThreadPoolExecutor(2) as pool:
        done = sorted(pool.map(approve, ["ada", "bob"]))

    assert done[0] == ""
    assert done[1] == yard.builds.get(1).approved_by
    assert len(yard.builds.list(proposed[0].id)) == 2


def test_what_was_overtaken_is_not_approved(
    yard: HookYard, proposed: tuple[Project, str], source: Path, upstream: Path
) -> None:
    newer = propose(source, 7, "worse")
    publish(source, upstream, "refs/pull/7/head")
    yard.take(pull(upstream, newer, action="synchronize"))

    with pytest.raises(ConflictError, match="build 2 is of a newer commit"):
        yard.builds.approve(1)


def test_only_what_somebody_proposed_is_approved(yard: HookYard, source: Path) -> None:
    yard.add(source)
    yard.take(pushed(source))

    with pytest.raises(UsageError, match="needs no approval"):
        yard.builds.approve(1)
