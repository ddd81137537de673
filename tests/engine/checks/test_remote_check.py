"""New commits and tags start builds: each tip once, and no storm whatever a source does.

Beside the usual ways of a source, each of the shapes in which pollers failed their users: builds
that come again and again, twice, for every commit of a push, or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.checks.remote_check import MAX_TAGS_AT_ONCE, RemoteCheck
from engine.enums import CheckStatus, RunStatus, Trigger
from engine.errors import CancelledError, SourceRefusedError
from engine.projects import remote
from engine.settings import ProjectSettings, WatchSettings
from engine.store import runs
from engine.store.projects import change_project
from engine.store.watch import change_watch, get_watch
from tests.engine.checks.lab_yard import LabYard
from tests.engine.git_repos import commit, rewrite
from tests.engine.projects.repositories import git

pytestmark = pytest.mark.slow  # Git is started some ten times for each look

CHECK = RemoteCheck()
PUSH = {"espdeck.toml": "[watch]\npush = true\n"}


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[LabYard]:
    yard = LabYard(tmp_path / "workspace")
    yield yard
    yard.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository whose ``espdeck.toml`` asks for builds of what is pushed."""
    commit(tmp_path / "fw", {"main.c": "int x;\n", **PUSH})
    return tmp_path / "fw"


def change(source: Path, text: str) -> str:
    return commit(source, {"main.c": f"int {text};\n"}, text)


def commits(yard: LabYard, name: str = "fw") -> list[str]:
    """The commits that were built, oldest first; what was ended before it began is in brackets."""
    return [
        f"({run.commit_sha})" if run.status is RunStatus.CANCELLED else run.commit_sha
        for run in yard.built(yard.projects.get(name))
    ]


def test_a_tip_that_was_never_built_is_built_at_the_first_look_and_then_each_new_one(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    first = git(source, "rev-parse", "HEAD")

    found = yard.look(CHECK, project)
    assert found.message == f"main is at {first[:7]}: build 1 started"
    assert found.status is CheckStatus.SUCCESS
    assert found.details["builds"] == [1]
    yard.finish(1)
    quiet = yard.look(CHECK, project)
    assert quiet.message == f"main is at {first[:7]}"
    assert yard.look(CHECK, project) == quiet
    second = change(source, "second")
    yard.look(CHECK, project)

    assert commits(yard) == [first, second]
    run = yard.builds.get(2)
    assert (run.triggered_by, run.asked_by, run.branch) == (Trigger.PUSH, "remote_check", "main")


def test_nothing_is_built_where_nobody_asks_for_it(yard: LabYard, tmp_path: Path) -> None:
    commit(tmp_path / "fw", {"main.c": "int x;\n"})
    project = yard.add(tmp_path / "fw")
    assert yard.look(CHECK, project).message == "no setting lets it start builds"
    assert commits(yard) == []

    yard.set(projects={"fw": ProjectSettings(watch=WatchSettings(push=True))})
    assert "build 1 started" in yard.look(CHECK, project).message


def test_the_settings_win_over_the_project(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    yard.set(projects={"fw": ProjectSettings(watch=WatchSettings(push=False))})
    assert yard.look(CHECK, project).message == "no setting lets it start builds"
    assert commits(yard) == []


def test_a_tip_that_a_person_built_is_not_built_again(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    yard.builds.start(project.id)

    assert "which build 1 has" in yard.look(CHECK, project).message
    assert len(commits(yard)) == 1


def test_many_commits_at_once_are_one_build_of_the_last(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    yard.finish(1)
    pushed = [change(source, f"c{number}") for number in range(5)]

    yard.look(CHECK, project)

    assert commits(yard)[1:] == [pushed[-1]]


def test_the_newest_wins_the_queue(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    first = git(source, "rev-parse", "HEAD")
    yard.look(CHECK, project)
    second = change(source, "second")
    said = yard.look(CHECK, project).message

    assert commits(yard) == [f"({first})", second]
    assert said.endswith("build 1 is superseded")
    assert yard.builds.get(1).error == f"superseded: main is at {second[:7]} now"


def test_a_build_that_runs_is_not_ended_by_a_newer_one(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    first = git(source, "rev-parse", "HEAD")
    yard.look(CHECK, project)
    runs.start_run(yard.store, 1)
    second = change(source, "second")
    yard.look(CHECK, project)

    assert commits(yard) == [first, second]


def test_a_build_that_a_person_asked_for_is_never_superseded(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    yard.builds.start(project.id)
    change(source, "second")
    yard.look(CHECK, project)
    assert yard.builds.get(1).status is RunStatus.PENDING


def test_rewritten_history_is_one_build_of_the_new_tip(yard: LabYard, source: Path) -> None:
    for number in range(4):
        change(source, f"c{number}")
    project = yard.add(source)
    yard.look(CHECK, project)
    yard.finish(1)
    rewrite(source)  # git commit --amend; git push --force
    tip = git(source, "rev-parse", "HEAD")

    yard.look(CHECK, project)
    yard.look(CHECK, project)

    assert commits(yard)[1:] == [tip]
    assert any("rewritten" in note["message"] for note in yard.builds.get(2).notes)


def test_a_branch_that_goes_back_to_a_built_commit_builds_nothing_and_ends_what_waits(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    first = git(source, "rev-parse", "HEAD")
    yard.look(CHECK, project)
    yard.finish(1)
    second = change(source, "second")
    yard.look(CHECK, project)
    git(source, "reset", "--hard", first)

    yard.look(CHECK, project)

    assert commits(yard) == [first, f"({second})"]


def test_a_commit_that_was_superseded_and_comes_back_is_built(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    first = git(source, "rev-parse", "HEAD")
    yard.look(CHECK, project)
    second = change(source, "second")
    yard.look(CHECK, project)
    git(source, "reset", "--hard", first)

    yard.look(CHECK, project)

    assert commits(yard) == [f"({first})", f"({second})", first]


def test_a_push_build_that_a_person_cancelled_does_not_come_back(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    yard.builds.cancel(1)
    for _look in range(3):
        yard.look(CHECK, project)
    assert len(commits(yard)) == 1


def test_a_process_that_died_after_the_start_builds_nothing_twice(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    change_watch(yard.store, project.id, lambda row: setattr(row, "tip", ""))  # never written

    assert "which build 1 has" in yard.look(CHECK, project).message
    assert len(commits(yard)) == 1


def test_a_fast_forward_to_a_commit_that_another_branch_had_is_built(
    yard: LabYard, source: Path
) -> None:
    git(source, "checkout", "-q", "-b", "topic")
    topic = change(source, "topic")
    project = yard.add(source, branch="main")
    yard.look(CHECK, project)
    yard.finish(1)
    git(source, "branch", "-f", "main", "topic")

    yard.look(CHECK, project)

    assert commits(yard)[1:] == [topic]


def test_pushes_to_other_branches_build_nothing(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    git(source, "checkout", "-q", "-b", "topic")
    change(source, "topic")
    git(source, "symbolic-ref", "HEAD", "refs/heads/main")

    yard.look(CHECK, project)

    assert len(commits(yard)) == 1


def test_a_branch_that_is_gone_is_told_and_built_when_it_comes_back_with_something_new(
    yard: LabYard, source: Path
) -> None:
    git(source, "branch", "release")
    project = yard.add(source, branch="release")
    yard.look(CHECK, project)
    git(source, "branch", "-D", "release")

    for _look in range(2):
        gone = yard.look(CHECK, project)
        assert gone.status is CheckStatus.ERROR
        assert "branch 'release' is gone (there are: main)" in gone.message
    git(source, "branch", "release")
    assert yard.look(CHECK, project).status is CheckStatus.SUCCESS
    assert len(commits(yard)) == 1
    git(source, "checkout", "-q", "release")
    tip = change(source, "again")
    yard.look(CHECK, project)
    assert commits(yard)[-1] == tip


def test_a_renamed_default_branch_is_followed(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    yard.finish(1)
    git(source, "branch", "-m", "main", "trunk")

    yard.look(CHECK, project)
    assert len(commits(yard)) == 1
    tip = change(source, "on trunk")
    assert f"trunk is at {tip[:7]}: build 2 started" == yard.look(CHECK, project).message
    assert yard.builds.get(2).branch == "trunk"


def test_a_build_that_waits_stays_when_its_branch_is_renamed(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    git(source, "branch", "-m", "main", "trunk")
    yard.look(CHECK, project)
    assert commits(yard) == [git(source, "rev-parse", "HEAD")]
    tip = change(source, "on trunk")
    yard.look(CHECK, project)
    assert commits(yard)[1:] == [tip]
    assert yard.builds.get(1).status is RunStatus.CANCELLED


def test_a_repository_that_became_empty_is_told_and_builds_when_it_fills(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    yard.finish(1)
    shutil.rmtree(source / ".git")
    git(source, "init", "-q", "-b", "main")

    empty = yard.look(CHECK, project)
    assert (empty.status, empty.message) == (
        CheckStatus.WARNING,
        "no commits at its source: nothing to build",
    )
    tip = change(source, "anew")
    yard.look(CHECK, project)
    assert commits(yard)[1:] == [tip]


def test_a_project_that_could_not_be_imported_is_when_its_source_has_commits(
    yard: LabYard, tmp_path: Path
) -> None:
    (tmp_path / "fw").mkdir()
    git(tmp_path / "fw", "init", "-q", "-b", "main")
    project = yard.add(tmp_path / "fw")
    yard.set(projects={"fw": ProjectSettings(watch=WatchSettings(push=True))})
    assert "no commits at its source" in yard.look(CHECK, project).message
    tip = change(tmp_path / "fw", "first")

    assert "it was not imported; it is being tried again" in yard.look(CHECK, project).message
    yard.projects.wait(project.id, timeout=30)
    yard.look(CHECK, project)

    assert commits(yard) == [tip]


def test_a_shallow_source_is_built_from(yard: LabYard, source: Path, tmp_path: Path) -> None:
    change(source, "second")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{source}", str(shallow))
    project = yard.add(shallow)
    yard.look(CHECK, project)
    tip = change(shallow, "third")

    yard.look(CHECK, project)

    assert commits(yard, "shallow")[-1] == tip


def test_a_branch_and_a_project_that_do_not_ask_any_more_build_nothing(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    yard.finish(1)
    commit(source, {"espdeck.toml": "timeout = 3\n"})

    assert yard.look(CHECK, project).message.endswith("whose espdeck.toml asks for no build")
    assert yard.look(CHECK, project).message == "no setting lets it start builds"
    assert len(commits(yard)) == 1


def test_a_wrong_manifest_is_told_with_its_line(yard: LabYard, source: Path) -> None:
    commit(source, {"espdeck.toml": '[watch]\npush = "yes"\n'})
    project = yard.add(source)
    said = yard.look(CHECK, project)
    assert said.status is CheckStatus.WARNING
    assert said.message == "espdeck.toml:2: watch.push must be true or false"


# Tags.


def tagging(yard: LabYard, pattern: str, *, push: bool = False) -> None:
    yard.set(projects={"fw": ProjectSettings(watch=WatchSettings(push=push, tags=pattern))})


def test_tags_that_were_there_are_no_news_and_new_ones_are_built(
    yard: LabYard, source: Path
) -> None:
    for number in range(40):
        git(source, "tag", f"v0.{number}")
    project = yard.add(source)
    tagging(yard, "v*")
    assert "40 tags match 'v*' already" in yard.look(CHECK, project).message
    tip = change(source, "release")
    git(source, "tag", "v1.0")
    git(source, "tag", "nightly-1")

    said = yard.look(CHECK, project).message
    yard.look(CHECK, project)

    assert said.endswith(f"tag v1.0 is at {tip[:7]}: build 1 started")
    assert commits(yard) == [tip]
    assert any(note["message"] == "the tag v1.0 is new" for note in yard.builds.get(1).notes)


def test_an_annotated_tag_is_the_commit_that_it_names(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    tagging(yard, "v*", push=True)
    yard.look(CHECK, project)
    git(source, "tag", "-a", "-m", "One", "v1")
    git(source, "tag", "-a", "-m", "Of a tag", "v1-again", "v1")

    for _look in range(3):
        said = yard.look(CHECK, project).message
    assert len(commits(yard)) == 1  # the branch's build has it
    assert "started" not in said


def test_a_project_that_follows_an_annotated_tag_is_built_once(yard: LabYard, source: Path) -> None:
    git(source, "tag", "-a", "-m", "One", "v1")
    tip = git(source, "rev-parse", "HEAD")
    project = yard.add(source, branch="v1")
    for _look in range(3):
        yard.look(CHECK, project)
    assert commits(yard) == [tip]


def test_a_tag_that_moved_is_built(yard: LabYard, source: Path) -> None:
    git(source, "tag", "latest")
    project = yard.add(source)
    tagging(yard, "latest")
    yard.look(CHECK, project)
    tip = change(source, "moved")
    git(source, "tag", "-f", "latest")

    yard.look(CHECK, project)

    assert commits(yard) == [tip]


def test_a_tag_that_went_and_came_back_is_not_built_twice(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    tagging(yard, "v*")
    yard.look(CHECK, project)
    git(source, "tag", "v1")
    yard.look(CHECK, project)
    git(source, "tag", "-d", "v1")
    yard.look(CHECK, project)
    git(source, "tag", "v1")
    yard.look(CHECK, project)
    assert len(commits(yard)) == 1


def test_of_many_new_tags_the_newest_are_built(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    tagging(yard, "v*")
    yard.look(CHECK, project)
    for number in range(12):
        change(source, f"c{number}")
        git(source, "tag", "-a", "-m", "x", f"v{number}",
            GIT_COMMITTER_DATE=f"2026-01-{number + 1:02}T00:00:00Z")  # fmt: skip

    said = yard.look(CHECK, project).message
    yard.look(CHECK, project)

    assert len(commits(yard)) == MAX_TAGS_AT_ONCE
    assert "9 older new tags are not built" in said
    built = {note["message"] for run in yard.built(project) for note in run.notes}
    assert {f"the tag v{number} is new" for number in (9, 10, 11)} <= built


def test_a_waiting_build_of_a_tag_is_not_superseded_by_the_branch(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    tagging(yard, "v*", push=True)
    yard.look(CHECK, project)
    yard.finish(1)
    tagged = change(source, "release")
    git(source, "tag", "v1")
    git(source, "reset", "--hard", "HEAD~1")
    yard.look(CHECK, project)
    tip = change(source, "next")
    yard.look(CHECK, project)
    assert commits(yard)[1:] == [tagged, tip]


def test_another_pattern_begins_with_what_is_there(yard: LabYard, source: Path) -> None:
    git(source, "tag", "release-1")
    project = yard.add(source)
    tagging(yard, "v*")
    yard.look(CHECK, project)
    tagging(yard, "release-*")
    yard.look(CHECK, project)
    assert commits(yard) == []


def test_a_tag_of_no_commit_is_told_once(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    tagging(yard, "v*")
    yard.look(CHECK, project)
    git(source, "tag", "v-tree", "HEAD^{tree}")
    assert yard.look(CHECK, project).status is CheckStatus.ERROR
    assert yard.look(CHECK, project).status is CheckStatus.SUCCESS
    assert commits(yard) == []


def test_a_tag_whose_build_cannot_be_started_is_built_when_it_can(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source, targets=[])
    tagging(yard, "v*")
    yard.look(CHECK, project)
    git(source, "tag", "v1")
    for _look in range(2):
        failed = yard.look(CHECK, project)
        assert failed.status is CheckStatus.ERROR
        assert failed.message.startswith("tag v1: fw: ")
    yard.projects.edit(project.id, targets=["esp32c3"])
    assert "build 1 started" in yard.look(CHECK, project).message
    assert yard.look(CHECK, project).details["builds"] == []


# A source that does not answer.


def test_a_source_that_cannot_be_reached_is_asked_less_and_less_often(
    yard: LabYard, source: Path
) -> None:
    project = yard.add(source)
    yard.look(CHECK, project)
    yard.finish(1)
    source.rename(source.with_name("away"))
    began = yard.now + timedelta(minutes=5)
    tried: list[float] = []
    for _look in range(40):
        failed = yard.look(CHECK, project)
        assert failed.status is CheckStatus.ERROR
        assert f"since {began.astimezone():%Y-%m-%d %H:%M}, next try" in failed.message
        if get_watch(yard.store, project.id).failures > len(tried):
            tried.append((yard.now - began).total_seconds() / 60)
    # 5, 10, 20, 40, then 60 minutes between two tries.
    assert tried == [0, 5, 15, 35, 75, 135, 195]

    source.with_name("away").rename(source)
    tip = change(source, "back")
    for _look in range(12):
        found = yard.look(CHECK, project)
    assert found.status is CheckStatus.SUCCESS
    assert commits(yard)[1:] == [tip]
    assert get_watch(yard.store, project.id).failures == 0


def test_a_sync_by_hand_that_succeeds_ends_the_waiting(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    source.rename(source.with_name("away"))
    yard.look(CHECK, project)
    source.with_name("away").rename(source)
    assert yard.look(CHECK, project, after=1).status is CheckStatus.ERROR
    yard.now += timedelta(minutes=1)
    now = yard.now
    change_project(yard.store, project.id, lambda row: setattr(row, "synced_at", now))

    assert yard.look(CHECK, project, after=1).status is CheckStatus.SUCCESS


def test_a_token_in_the_url_never_appears_and_a_refusal_is_not_repeated_every_time(
    yard: LabYard, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = yard.add(source)
    yard.set(projects={"fw": ProjectSettings(watch=WatchSettings(push=True))})
    answers = []

    def refuse(source: object, **_how: object) -> None:
        answers.append(yard.now)
        raise SourceRefusedError(
            "https://ada:s3cret@git.lab/fw.git: needs authentication: use an SSH key"
        )

    monkeypatch.setattr(remote, "list_refs", refuse)
    for _look in range(13):
        failed = yard.look(CHECK, project)
        assert "s3cret" not in failed.message
        assert "needs authentication" in failed.message
    assert len(answers) == 2  # in an hour and five minutes


def test_a_look_that_is_cancelled_ends_at_once(yard: LabYard, source: Path) -> None:
    project = yard.add(source)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        yard.look(CHECK, project, cancel=cancel)
    assert commits(yard) == []
    assert get_watch(yard.store, project.id).failures == 0
