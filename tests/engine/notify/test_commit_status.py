"""Statuses of commits, at servers that check what they are sent against what they document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.enums import DeliveryStatus
from engine.errors import UsageError
from engine.projects.repository_address import Repository, repository_of
from tests.engine.notify.lab import SHA, lab
from tests.engine.notify.receivers import Request, Sink, http_sink, wait_for

TOKEN = "ghp_5ecretT0ken"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


def github(request: Request) -> tuple[int, dict[str, str], str]:
    """docs.github.com/en/rest/commits/statuses#create-a-commit-status."""
    body = request.json
    good = (
        re.fullmatch(r"/repos/[\w.-]+/[\w.-]+/statuses/[0-9a-f]{40}", request.path)
        and request.headers["accept"] == "application/vnd.github+json"
        and request.headers["x-github-api-version"] == "2022-11-28"
        and body["state"] in ("error", "failure", "pending", "success")
        and set(body) <= {"state", "target_url", "description", "context"}
        and len(body.get("description", "")) <= 140
    )
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return 401, {}, f'{{"message": "Bad credentials {request.headers["authorization"]}"}}'
    return (201, {}, "{}") if good else (422, {}, '{"message": "Validation Failed"}')


def gitlab(request: Request) -> tuple[int, dict[str, str], str]:
    """docs.gitlab.com/api/commits/#set-commit-pipeline-status."""
    body = request.json
    good = (
        re.fullmatch(r"/api/v4/projects/[\w.%-]+/statuses/[0-9a-f]{40}", request.path)
        and body["state"] in ("pending", "running", "success", "failed", "canceled", "skipped")
        and set(body) <= {"state", "ref", "name", "context", "target_url", "description"}
    )
    if request.headers.get("private-token") != TOKEN:
        return 401, {}, '{"message": "401 Unauthorized"}'
    return (201, {}, "{}") if good else (400, {}, '{"error": "state does not have a valid value"}')


def gitea(request: Request) -> tuple[int, dict[str, str], str]:
    """CreateStatusOption of Gitea's swagger."""
    body = request.json
    good = (
        re.fullmatch(r"/api/v1/repos/[\w.-]+/[\w.-]+/statuses/[0-9a-f]{40}", request.path)
        and body["state"] in ("pending", "success", "error", "failure", "warning")
        and set(body) <= {"state", "target_url", "description", "context"}
    )
    if request.headers.get("authorization") != f"token {TOKEN}":
        return 401, {}, "{}"
    return (201, {}, "{}") if good else (400, {}, "{}")


SERVERS: dict[str, tuple[Any, str]] = {
    "github": (github, ""),
    "gitlab": (gitlab, "/api/v4"),
    "gitea": (gitea, "/api/v1"),
}


def channel(service: str, sink: Sink, **more: Any) -> dict[str, Any]:
    answer, base = SERVERS[service]
    sink.answer = answer
    return {
        "commit_status": service,
        "base_url": sink.url + base,
        "token": TOKEN,
        **more,
    }


def source(sink: Sink, path: str = "me/blink") -> str:
    return f"{sink.url}/{path}.git"


@pytest.mark.parametrize(
    ("service", "states"),
    [
        ("github", ["pending", "failure", "pending", "success", "error"]),
        ("gitlab", ["running", "failed", "running", "success", "canceled"]),
        ("gitea", ["pending", "failure", "pending", "success", "error"]),
    ],
)
def test_a_status_follows_its_build(
    tmp_path: Path, sink: Sink, service: str, states: list[str]
) -> None:
    with lab(tmp_path, channels={"forge": channel(service, sink)}) as here:
        project = here.project(source=source(sink))
        for failed in (True, False):
            run = here.begin(project)
            here.step()
            here.end(run, failed=failed)
            here.step()
        here.cancelled()
        here.step()

        assert [request.json["state"] for request in sink.requests] == states
        assert all(SHA in request.path for request in sink.requests)
        last = here.notifications.channels()[0].last
        assert last is not None
        assert (last.status, last.error) == (DeliveryStatus.SENT, "")


def test_gitlab_is_told_the_branch_and_the_whole_path(tmp_path: Path, sink: Sink) -> None:
    with lab(tmp_path, channels={"forge": channel("gitlab", sink)}) as here:
        here.build(failed=False, project=here.project(source=source(sink, "group/sub/blink")))
        here.step()

        assert sink.requests[-1].path.startswith("/api/v4/projects/group%2Fsub%2Fblink/statuses/")
        assert sink.requests[-1].json["ref"] == "main"
        assert sink.requests[-1].json["name"] == "espdeck/blink/esp32c3"


def test_a_status_that_is_so_already_at_gitlab_has_arrived(tmp_path: Path, sink: Sink) -> None:
    settings = channel("gitlab", sink)
    sink.answer = lambda _request: (
        400,
        {},
        '{"message":"Cannot transition status via :run from :running"}',
    )
    with lab(tmp_path, channels={"forge": settings}) as here:
        here.build(failed=False, project=here.project(source=source(sink)))
        here.step()

        last = here.notifications.channels()[0].last
        assert last is not None
        assert last.status is DeliveryStatus.SENT


def test_no_token_goes_to_another_server(tmp_path: Path, sink: Sink) -> None:
    with lab(tmp_path, channels={"forge": channel("github", sink)}) as here:
        here.build(failed=True, project=here.project(source="https://git.evil.example/me/blink"))
        here.build(failed=True, project=here.project("local", source="/home/me/blink"))
        here.build(failed=True, project=here.project("mine", source=source(sink)), dirty=True)
        here.step()

        assert sink.requests == []
        with pytest.raises(UsageError, match="no build yet"):
            here.notifications.test("forge")


def test_the_token_is_in_no_error_and_no_repr(tmp_path: Path, sink: Sink) -> None:
    settings = channel("github", sink, token="wr0ng-t0ken")
    with lab(tmp_path, channels={"forge": settings}) as here:
        here.build(failed=True, project=here.project(source=source(sink)))
        here.step()

        info = here.notifications.channels()[0]
        assert info.last is not None
        assert info.last.error.startswith("HTTP 401")
        assert "wr0ng" not in repr(info) + repr(here.settings) + str(here.settings)
        assert info.last.status is DeliveryStatus.WAITING  # somebody may mend the token


def test_the_token_comes_from_the_environment(
    tmp_path: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = channel("github", sink)
    del settings["token"]
    with lab(tmp_path, channels={"forge": settings}) as here:
        here.build(failed=True, project=here.project(source=source(sink)))
        here.step()
        last = here.notifications.channels()[0].last
        assert last is not None
        assert "GITHUB_TOKEN" in last.error
        assert sink.requests == []

        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        here.step(minutes=5)

        assert sink.requests[-1].json["state"] == "failure"


def test_without_an_answer_it_is_sent_again_as_it_changes_nothing(
    tmp_path: Path, sink: Sink
) -> None:
    with lab(tmp_path, channels={"forge": channel("github", sink)}) as here:
        broken = iter([True])
        answer = sink.answer
        sink.answer = lambda request: (503, {}, "") if next(broken, False) else answer(request)
        run = here.begin(here.project(source=source(sink)))
        here.end(run, failed=False)
        here.step()
        assert len(sink.requests) == 1
        here.step(minutes=1)

        assert [request.json["state"] for request in sink.requests] == ["success", "success"]


def test_of_what_waits_only_the_newest_is_sent(tmp_path: Path, sink: Sink) -> None:
    with lab(tmp_path, channels={"forge": channel("github", sink)}) as here:
        project = here.project(source=source(sink))
        run = here.begin(project)
        answer, sink.answer = sink.answer, lambda _request: (500, {}, "")
        here.step()
        here.end(run, failed=True)
        sink.answer = answer
        here.step()

        assert [request.json["state"] for request in sink.requests] == ["pending", "failure"]


def test_a_test_sets_the_status_of_the_newest_build_anew(tmp_path: Path, sink: Sink) -> None:
    with lab(tmp_path, channels={"forge": channel("github", sink)}) as here:
        here.build(failed=True, project=here.project(source=source(sink)))

        assert here.notifications.test("forge").status is DeliveryStatus.SENT
        assert sink.requests[-1].json["state"] == "failure"


def test_rules_are_about_statuses_too(tmp_path: Path, sink: Sink) -> None:
    rules = {"others": {"projects": ["other"]}}
    settings = channel("github", sink, rules=["others"])
    with lab(tmp_path, channels={"forge": settings}, rules=rules) as here:
        here.build(failed=True, project=here.project(source=source(sink)))
        here.step()

        assert sink.requests == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/me/blink.git", Repository("github.com", "me/blink")),
        ("https://user:pw@github.com/me/blink/", Repository("github.com", "me/blink")),
        ("git@github.com:me/blink.git", Repository("github.com", "me/blink")),
        ("ssh://git@gitlab.lab:2222/a/b/c.git", Repository("gitlab.lab", "a/b/c")),
        ("https://git.lab/only", None),
        ("/home/me/blink", None),
        ("file:///srv/git/me/blink", None),
        ("https://git.lab/../../x/y", None),
        ("https://git.lab/a b/c", None),
        ("https://[broken/a/b", None),
    ],
)
def test_the_repository_of_a_source(text: str, expected: Repository | None) -> None:
    assert repository_of(text) == expected


def test_a_server_that_hangs_delays_no_other(tmp_path: Path, sink: Sink) -> None:
    import threading

    with http_sink() as slow:
        slow.delay = threading.Event()
        both = {"slow": channel("github", slow), "forge": channel("github", sink)}
        with lab(tmp_path, channels=both) as here:
            here.build(failed=True, project=here.project(source=source(sink)))
            here.journal.flush()
            here.notifications.step()
            wait_for(lambda: len(sink.requests) == 1)
            wait_for(lambda: len(slow.requests) == 1)
            slow.delay.set()
