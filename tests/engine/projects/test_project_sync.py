"""What a project follows and which commit is built, in repositories as people leave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.enums import ProjectStatus
from engine.errors import UsageError
from engine.projects import remote
from tests.engine.git_repos import commit, rewrite
from tests.engine.projects.repositories import Yard, codes, git

pytestmark = pytest.mark.slow


def test_what_was_committed_since_the_import_is_built(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    newest = commit(source, {"main.c": "int y;\n"}, "Newest")

    located = yard.now(project)

    assert (located.commit.sha, located.commit.message) == (newest, "Newest")
    assert (located.project.tip, located.notes) == (newest, ())


def test_an_older_commit_that_is_checked_out_is_built_and_not_the_tip_of_its_branch(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    git(source, "checkout", "-q", "HEAD~2")

    located = yard.now(project)

    assert located.commit.message == "Commit 1"
    assert located.project.branch is None
    assert "was on main" in located.notes[0].message
    git(source, "checkout", "-q", "main")
    assert yard.now(project).commit.message == "Commit 3"


@pytest.mark.slow
def test_what_a_ci_runner_checks_out_is_built(yard: Yard, source: Path, tmp_path: Path) -> None:
    git(source, "checkout", "-q", "-b", "topic")
    wanted = commit(source, {"main.c": "int merge_request;\n"}, "Of a merge request")
    git(source, "checkout", "-q", "main")
    git(source, "branch", "-q", "-D", "topic")
    runner = tmp_path / "runner"
    git(tmp_path, "init", "-q", "runner")
    git(runner, "fetch", "-q", "--depth=1", str(source), wanted)
    git(runner, "checkout", "-q", "--detach", "FETCH_HEAD")

    project = yard.add(runner)

    assert (project.status, project.branch) == (ProjectStatus.ACTIVE, None)
    assert yard.now(project).commit.sha == wanted
    assert yard.sources(yard.now(project)) == {"main.c": "int merge_request;\n"}


def test_a_repository_whose_only_branch_was_deleted_is_built(yard: Yard, source: Path) -> None:
    sha = git(source, "rev-parse", "HEAD")
    git(source, "checkout", "-q", "--detach")
    git(source, "branch", "-q", "-D", "main")

    assert yard.now(yard.add(source)).commit.sha == sha


def test_a_shallow_clone_is_built_and_goes_on_when_it_is_deepened(
    yard: Yard, source: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{source}", "shallow")
    project = yard.add(tmp_path / "shallow")
    with pytest.raises(UsageError, match="HEAD has no such ancestor"):
        yard.now(project, "HEAD~1")
    git(tmp_path / "shallow", "fetch", "-q", "--unshallow")
    commit(tmp_path / "shallow", {"main.c": "int deep;\n"}, "Deep")

    assert yard.now(project).commit.message == "Deep"
    assert yard.now(project, "HEAD~3").commit.message == "Commit 1"


def test_a_linked_worktree_is_built_as_it_stands(yard: Yard, source: Path, tmp_path: Path) -> None:
    git(source, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), "HEAD~1")

    located = yard.now(yard.add(tmp_path / "side"))

    assert (located.project.branch, located.commit.message) == ("side", "Commit 2")


def test_a_tag_is_followed(yard: Yard, source: Path) -> None:
    git(source, "tag", "-a", "-m", "Release", "v1.0", "HEAD~1")

    project = yard.add(source, branch="v1.0")

    assert (project.branch, yard.now(project).commit.message) == ("v1.0", "Commit 2")


def test_a_renamed_branch_is_followed_unless_a_person_chose_it(yard: Yard, source: Path) -> None:
    follows, chosen = yard.add(source), yard.add(source, branch="main")
    git(source, "branch", "-q", "-m", "main", "trunk")
    newest = commit(source, {"main.c": "int y;\n"}, "On trunk")

    followed, stayed = yard.now(follows), yard.now(chosen)

    assert (followed.commit.sha, followed.project.branch) == (newest, "trunk")
    assert "on trunk, and was on main" in followed.notes[0].message
    assert stayed.commit.message == "Commit 3"
    assert stayed.project.status is ProjectStatus.ACTIVE
    assert codes(stayed) == ["project.not_synced"]
    assert "branch 'main' is gone (there are: trunk)" in stayed.notes[0].message
    yard.projects.edit(chosen.id, branch="trunk")
    assert yard.now(chosen).commit.sha == newest
    yard.projects.edit(chosen.id, branch="")
    assert yard.now(chosen).project.branch_chosen is False


def test_an_amended_commit_is_built_with_a_note_and_the_old_one_stays(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    old = yard.now(project).commit.sha
    rewrite(source)
    new = git(source, "rev-parse", "HEAD")

    located = yard.now(project)

    assert located.commit.sha == new
    assert located.notes[0].message == (
        f"main was rewritten at its source: {old[:7]} -> {new[:7]}; builds of the old history stay"
    )
    assert yard.now(project, old).commit.sha == old
    assert yard.now(project).notes == ()


def test_a_branch_that_was_set_back_is_followed_with_a_note(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    git(source, "reset", "-q", "--hard", "HEAD~1")

    located = yard.now(project)

    assert located.commit.message == "Commit 2"
    assert "main went back" in located.notes[0].message


def test_a_source_that_cannot_be_reached_is_built_as_it_was_with_a_warning(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    source.rename(source.with_name("moved"))

    located = yard.now(project)

    assert located.commit.message == "Commit 3"
    assert codes(located) == ["project.not_synced"]
    assert "fw could not be synced, so it is as of 20" in located.notes[0].message
    assert located.project.status is ProjectStatus.ACTIVE


def test_a_source_with_what_a_clone_has_is_not_fetched_again(
    yard: Yard, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(source, "clone", "-q", str(source), str(tmp_path / "mine"))
    git(tmp_path / "mine", "update-ref", "refs/heads/HEAD", "HEAD~1")
    project = yard.add(tmp_path / "mine")
    monkeypatch.setattr(remote, "fetch", pytest.fail)

    assert not yard.now(project).notes
