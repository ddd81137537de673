"""What comes of webhooks: the tip is built once, and nothing that should not be.

Beside the usual ways each of the shapes in which CI servers failed their users: builds of deleted
branches, twice for one commit, of forms that were signed, of repositories by another URL.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from engine.checks.remote_check import RemoteCheck
from engine.enums import HookStatus, Trigger
from engine.errors import AccessError, ConflictError
from engine.settings import ProjectSettings
from engine.store.watch import get_watch
from engine.webhook_settings import WebhookSettings
from engine.webhooks.service import RETRY_SECONDS
from tests.engine.git_repos import commit, rewrite
from tests.engine.projects.repositories import git
from tests.engine.webhooks import requests
from tests.engine.webhooks.lab import HookYard, change, commits, head, pushed
from tests.engine.webhooks.requests import ZEROS

pytestmark = pytest.mark.slow  # Git is started some ten times for each push


def test_a_push_is_built_and_says_who_pushed_it(yard: HookYard, source: Path) -> None:
    yard.add(source)
    tip = change(source, "second")

    row = yard.take(pushed(source))

    assert (row.status, row.message) == (
        HookStatus.DONE,
        f"fw: main is at {tip[:7]}: build 1 started",
    )
    run = yard.builds.get(1)
    assert (run.commit_sha, run.triggered_by, run.branch) == (tip, Trigger.WEBHOOK, "main")
    assert (run.asked_by, run.proposed_by) == ("github: ada", "")
    assert row.done_at == yard.now
    assert "int second" not in row.body


def test_a_repeat_says_so_and_starts_nothing(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    request = pushed(source)
    yard.take(request)

    again = yard.post(request)
    yard.webhooks.step()

    assert not again.is_new
    assert again.message.startswith("was delivered before: fw: main is at")
    assert len(commits(yard, project)) == 1


def test_the_same_push_under_another_delivery_id_is_not_built_twice(
    yard: HookYard, source: Path
) -> None:
    """Of two hooks, or of a forge that sends it twice (woodpecker-ci/woodpecker#110)."""
    project = yard.add(source)
    tip = head(source)
    yard.take(pushed(source))
    second = yard.take(pushed(source, before=tip))  # screwdriver-cd/screwdriver#2086

    assert second.status is HookStatus.IGNORED
    assert second.message == f"fw: main is at {tip[:7]}, which build 1 has"
    assert commits(yard, project) == [tip]


def test_what_remote_check_built_is_not_built_again_and_the_other_way_round(
    yard: HookYard, source: Path
) -> None:
    project = yard.add(source)
    yard.watch(push=True)
    yard.look(RemoteCheck(), project)
    assert "which build 1 has" in yard.take(pushed(source)).message
    tip = change(source, "second")
    yard.take(pushed(source))

    assert yard.look(RemoteCheck(), project).message == f"main is at {tip[:7]}"
    assert get_watch(yard.store, project.id).tip == tip
    assert len(yard.built(project)) == 2


def test_many_pushes_at_once_build_the_newest_and_the_others_have_a_final_status(
    yard: HookYard, source: Path
) -> None:
    project = yard.add(source)
    shas = [change(source, f"c{number}") for number in range(3)]
    for sha in shas:
        yard.post(pushed(source, sha))
    yard.webhooks.step()

    assert sorted(commits(yard, project)) == sorted([f"({shas[0]})", f"({shas[1]})", shas[2]])
    skipped = next(run for run in yard.built(project) if run.commit_sha == shas[0])
    assert skipped.error == f"superseded: main is at {shas[2][:7]} now"
    assert skipped.completed_at is not None


def test_an_older_build_that_waits_is_superseded(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    first = head(source)
    yard.take(pushed(source))
    second = change(source, "second")
    row = yard.take(pushed(source))

    assert row.message.endswith("; build 1 is superseded")
    assert commits(yard, project) == [f"({first})", second]


def test_history_that_was_rewritten_is_built_as_it_is_now(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    old = head(source)
    rewrite(source)
    row = yard.take(pushed(source, before=old, forced=True))

    assert commits(yard, project) == [head(source)]
    assert row.status is HookStatus.DONE


@pytest.mark.parametrize(
    "more",
    [{"after": ZEROS}, {"after": ZEROS, "deleted": True}, {"after": "a" * 40, "deleted": True}],
)
def test_a_deleted_branch_is_nothing_to_build(
    yard: HookYard, source: Path, more: dict[str, Any]
) -> None:
    """harness/harness#335, readthedocs/readthedocs.org#6464."""
    project = yard.add(source)
    row = yard.take(pushed(source, **more))

    assert (row.status, row.message) == (HookStatus.IGNORED, "branch main was deleted")
    assert commits(yard, project) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ref": "refs/heads/dev"}, "fw: dev was pushed, main is followed"),
        ({"ref": "refs/heads/gh-readonly-queue/main/pr-1"}, "main is followed"),
        ({"ref": "refs/tags/v1"}, "fw: tag v1: no tags are built (watch.tags)"),
        ({"ref": "refs/notes/commits"}, "refs/notes/commits is neither a branch nor a tag"),
    ],
)
def test_what_is_not_followed_is_ignored_with_a_reason(
    yard: HookYard, source: Path, more: dict[str, Any], said: str
) -> None:
    project = yard.add(source)
    row = yard.take(pushed(source, **more))

    assert row.status is HookStatus.IGNORED
    assert said in row.message
    assert commits(yard, project) == []


def test_settings_can_say_that_pushes_build_nothing(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    yard.watch(push=False)

    row = yard.take(pushed(source))

    assert row.message == "fw: settings, projects.fw.watch.push is false"
    assert commits(yard, project) == []


def test_the_default_branch_was_renamed(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    git(source, "branch", "-m", "main", "trunk")
    tip = change(source, "second")
    renamed: dict[str, Any] = {"ref": "refs/heads/trunk", "repository": {"default_branch": "trunk"}}

    assert yard.take(pushed(source, **renamed)).status is HookStatus.DONE
    assert commits(yard, project) == [tip]


def test_a_tag_that_is_watched_is_built(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    yard.watch(tags="v*")
    yard.look(RemoteCheck(), project)  # takes note of the tags that there are
    git(source, "tag", "-a", "v1", "-m", "one")
    named = git(source, "rev-parse", "v1")  # the tag's own hash, as forges send it
    row = yard.take(pushed(source, named, ref="refs/tags/v1"))

    assert row.message == f"fw: tag v1 is at {head(source)[:7]}: build 1 started"
    assert yard.builds.get(1).notes[0]["code"] == "watch.tag"
    assert yard.look(RemoteCheck(), project).details["builds"] == []


@pytest.mark.parametrize("words", ["[skip ci]", "[CI SKIP]", "[no ci]"])
def test_a_commit_can_ask_for_no_build(yard: HookYard, source: Path, words: str) -> None:
    project = yard.add(source)
    yard.watch(push=True)
    tip = change(source, "second", f"Typo {words}")
    row = yard.take(pushed(source))

    assert row.status is HookStatus.IGNORED
    assert row.message == f"fw: main is at {tip[:7]}, not built: its message says {words.lower()}"
    assert commits(yard, project) == [f"({tip})"]
    assert yard.look(RemoteCheck(), project).details["builds"] == []


def test_gitlabs_push_option_asks_for_no_build(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    payload = requests.gitlab_push(str(source), head(source), push_options={"ci": {"skip": True}})

    assert "pushed with ci.skip" in yard.take(requests.gitlab(payload)).message
    assert commits(yard, project) == [f"({head(source)})"]


def test_all_projects_of_a_repository_are_built(yard: HookYard, tmp_path: Path) -> None:
    commit(tmp_path / "fw", {"a/main.c": "int a;\n", "b/main.c": "int b;\n"})
    one = yard.add(tmp_path / "fw", name="one", app="a")
    two = yard.add(tmp_path / "fw", name="two", app="b")
    other = yard.add(tmp_path / "fw", name="other", branch="main")
    row = yard.take(pushed(tmp_path / "fw"))

    assert [len(commits(yard, each)) for each in (one, two, other)] == [1, 1, 1]
    assert row.message.count("started") == 3


def test_a_repository_that_no_project_has(yard: HookYard, source: Path) -> None:
    yard.add(source)
    row = yard.take(requests.github("push", requests.push("https://git.lab/me/x.git", "a" * 40)))

    assert row.status is HookStatus.IGNORED
    assert row.message == "no project has the source https://git.lab/me/x.git"


def test_a_project_with_a_secret_of_its_own_takes_no_other(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    own = ProjectSettings(
        webhook=WebhookSettings(secret=SecretStr("its own"), former_secret=SecretStr("before"))
    )
    yard.set(projects={"fw": own})
    refused = yard.take(pushed(source))
    assert refused.status is HookStatus.IGNORED
    assert "signed with another secret than that of fw" in refused.message
    payload = requests.push(str(source), head(source))
    taken = yard.take(requests.github("push", payload, secret="before"))

    assert (taken.status, taken.projects) == (HookStatus.DONE, ["fw"])
    assert len(commits(yard, project)) == 1


def test_the_secret_of_one_project_builds_no_other(yard: HookYard, source: Path) -> None:
    project = yard.add(source)
    yard.set(
        projects={"other": ProjectSettings(webhook=WebhookSettings(secret=SecretStr("another")))}
    )
    payload = requests.push(str(source), head(source))
    row = yard.take(requests.github("push", payload, secret="another"))

    assert row.status is HookStatus.IGNORED
    assert commits(yard, project) == []


def test_without_a_secret_nothing_is_taken(yard: HookYard, source: Path) -> None:
    yard.set(webhooks=WebhookSettings())

    with pytest.raises(AccessError, match=r"espdeck config set webhooks\.secret"):
        yard.post(pushed(source))
    assert yard.webhooks.list() == []


def test_a_source_that_cannot_be_reached_is_tried_again(
    yard: HookYard, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = yard.add(source)
    away = source.rename(source.with_name("away"))
    row = yard.take(pushed(source, "a" * 40))
    assert row.status is HookStatus.WAITING
    assert row.message.endswith("; tried again")
    yard.webhooks.step()
    assert yard.webhooks.get(row.id or 0).attempts == 1  # it is not due yet
    away.rename(source)
    yard.now += timedelta(seconds=RETRY_SECONDS[0])
    yard.webhooks.step()

    assert yard.webhooks.get(row.id or 0).status is HookStatus.DONE
    assert len(commits(yard, project)) == 1


def test_a_source_that_stays_away_is_given_up_and_can_be_delivered_again(
    yard: HookYard, source: Path
) -> None:
    project = yard.add(source)
    request = pushed(source)
    away = source.rename(source.with_name("away"))
    yard.post(request)
    for seconds in (0.0, *RETRY_SECONDS):
        yard.now += timedelta(seconds=seconds)
        yard.webhooks.step()
    (row,) = yard.webhooks.list()
    assert row.status is HookStatus.FAILED
    assert row.message.endswith("remote_check looks for it")
    away.rename(source)

    again = yard.post(request)
    yard.webhooks.step()

    assert again.message == "tried again, as it failed before"
    assert yard.webhooks.get(row.id or 0).status is HookStatus.DONE
    assert len(commits(yard, project)) == 1


def test_a_source_that_does_not_show_the_push_yet_is_asked_again(
    yard: HookYard, source: Path
) -> None:
    """A forge tells of a push before every machine of it shows it."""
    project = yard.add(source)
    old = head(source)
    row = yard.take(pushed(source, "b" * 40, before=old))
    assert row.message == f"fw: its source does not show {'b' * 7} yet; tried again"
    new = change(source, "second")
    yard.now += timedelta(seconds=RETRY_SECONDS[0])
    yard.webhooks.step()

    assert commits(yard, project) == [new]


def test_a_process_that_dies_before_and_after_it_started_the_build(
    yard: HookYard, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = yard.add(source)
    taken = yard.post(pushed(source))
    yard.restart()  # before: the row waits
    killed = RuntimeError("killed")

    def die(*_arguments: Any, **_values: Any) -> None:
        raise KeyboardInterrupt from killed

    with monkeypatch.context() as patch:
        patch.setattr("engine.webhooks.work.change_watch", die)
        with pytest.raises(KeyboardInterrupt):
            yard.webhooks.step()  # after: the build is written down, the row is not
    assert yard.webhooks.get(taken.row.id or 0).status is HookStatus.WAITING
    yard.restart()
    yard.webhooks.step()

    row = yard.webhooks.get(taken.row.id or 0)
    assert (row.status, row.attempts) == (HookStatus.DONE, 2)
    assert len(commits(yard, project)) == 1


def test_redelivery(yard: HookYard, source: Path) -> None:
    row = yard.take(pushed(source))
    assert "no project has the source" in row.message
    project = yard.add(source)
    yard.webhooks.redeliver(row.id or 0)
    with pytest.raises(ConflictError, match="already queued"):
        yard.webhooks.redeliver(row.id or 0)
    yard.webhooks.step()

    assert len(commits(yard, project)) == 1
    ping = yard.take(requests.github("ping", {"zen": "Keep it simple", "hook_id": 1}))
    assert (ping.status, ping.message) == (HookStatus.IGNORED, "ping: the webhook is set up")
    with pytest.raises(ConflictError, match="a ping"):
        yard.webhooks.redeliver(ping.id or 0)


def test_old_deliveries_go(yard: HookYard, source: Path) -> None:
    yard.add(source)
    old = yard.take(pushed(source))
    yard.now += timedelta(days=31)
    new = yard.take(pushed(source))

    assert [row.id for row in yard.webhooks.list()] == [new.id]
    assert old.id != new.id
