"""Routes of logs: by range, as text, followed, searched."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from engine import Engine, StageRow
from engine.enums import RunStatus, StageStatus
from engine.events import Log, RunChanged, RunCompleted, Serial, StageChanged
from engine.server.http_server import HttpServer
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Run
from tests.waits import wait_for

Say = Callable[..., None]


@pytest.fixture
def store(engine: Engine) -> Iterator[Store]:
    """The store of the engine, as another process has it."""
    store = Store(engine.settings.workspace / "espdeck.db")
    yield store
    store.close()


@pytest.fixture
def build(engine: Engine, store: Store) -> int:
    """A build that runs: its number."""
    number = runs.add_run(store, Run(status=RunStatus.RUNNING)).number
    for status in (RunStatus.PENDING, RunStatus.RUNNING):
        engine.events.publish(RunChanged(run_id=number, project_id="", status=status))
    return number


@pytest.fixture
def say(engine: Engine, build: int) -> Say:
    """A function that writes lines of a log of the build."""
    counts: dict[tuple[str, int, str], int] = {}

    def write(
        *lines: str, stage: str = "build", attempt: int = 1, kind: type[Log] = Log, begin: int = 0
    ) -> None:
        key = stage, attempt, kind.kind
        first = counts.get(key, begin)
        counts[key] = first + len(lines)
        engine.events.publish(
            kind(
                run_id=build,
                stage=stage,
                attempt=attempt,
                agent="BUILDER",
                first_line=first,
                text="".join(f"{line}\n" for line in lines),
            )
        )

    return write


def end(engine: Engine, store: Store, number: int, error: str = "") -> None:
    """Have a build end."""
    status = RunStatus.FAILED if error else RunStatus.SUCCESS
    runs.finish_run(store, number, status=status, error=error, took=None)
    engine.events.publish(
        RunCompleted(
            run_id=number, success=not error, status=status, duration=0.0, result=error or "fine"
        )
    )


def test_logs_are_listed_with_their_lines(admin: httpx.Client, build: int, say: Say) -> None:
    before = admin.get(f"/api/v1/builds/{build}/logs").json()
    say("one", "two")
    say("boot", stage="test.board", kind=Serial)
    say("three")

    assert before == []
    assert admin.get(f"/api/v1/builds/{build}/logs").json() == [
        {"stage": "build", "attempt": 1, "stream": "log", "first": 0, "lines": 3},
        {"stage": "test.board", "attempt": 1, "stream": "serial", "first": 0, "lines": 1},
    ]


def test_lines_of_a_log_by_range(
    admin: httpx.Client, engine: Engine, store: Store, build: int, say: Say
) -> None:
    say(*(f"line {number}" for number in range(5)))
    say("again", attempt=2)
    url = f"/api/v1/builds/{build}/logs/build"

    page = admin.get(url, params={"attempt": 1, "first": 1, "count": 2}).json()
    rest = admin.get(url, params={"attempt": 1, "first": page["next"]}).json()
    newest = admin.get(url).json()
    tail = admin.get(url, params={"attempt": 1, "tail": 1}).json()
    end(engine, store, build)

    assert page == {
        "build_id": build,
        "stage": "build",
        "attempt": 1,
        "stream": "log",
        "first": 1,
        "lines": ["line 1", "line 2"],
        "next": 3,
        "total": 5,
        "complete": False,
    }
    assert rest["lines"] == ["line 3", "line 4"]
    assert (newest["attempt"], newest["lines"]) == (2, ["again"])
    assert (tail["first"], tail["lines"]) == (4, ["line 4"])
    assert admin.get(url).json()["complete"] is True
    assert admin.get(url, params={"first": 99}).json()["lines"] == []
    assert admin.get(url, params={"count": 10_001}).status_code == 422


def test_a_log_is_complete_when_its_stage_has_ended(
    admin: httpx.Client, store: Store, build: int, say: Say
) -> None:
    say("done")
    row = StageRow(
        run_id=build,
        key="build",
        agent="BUILDER",
        phase="build",
        attempt=1,
        status=StageStatus.SUCCESS,
    )
    runs.put_stage(store, row)

    assert admin.get(f"/api/v1/builds/{build}/logs/build").json()["complete"] is True
    assert admin.get(f"/api/v1/builds/{build}/logs/judge").json()["complete"] is False


def test_a_log_as_text_is_clean(admin: httpx.Client, build: int, say: Say) -> None:
    say("\x1b[31mred\x1b[0m", "<script>", "\x9b2Jé")
    url = f"/api/v1/builds/{build}/logs/build"

    answer = admin.get(url, headers={"Accept": "text/plain"})

    assert answer.text == "red\n<script>\né\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert admin.get(f"{url}?format=text&tail=1").text == "é\n"


def test_a_stage_that_no_build_has_is_a_404(admin: httpx.Client, build: int) -> None:
    answer = admin.get(f"/api/v1/builds/{build}/logs/compile")

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("no stage 'compile' in build 1 (stages: plan, build,")


def test_all_that_a_build_says(
    admin: httpx.Client, engine: Engine, store: Store, build: int, say: Say
) -> None:
    say("CC main.c")
    say("hello\x1b[2J", stage="test.board", kind=Serial)
    changed = StageChanged(
        run_id=build,
        stage="build",
        agent="BUILDER",
        phase="build",
        attempt=2,
        status=StageStatus.FAILED,
        summary="1 error",
    )
    engine.events.publish(changed)
    running = admin.get(f"/api/v1/builds/{build}/log").text
    end(engine, store, build, "compiling failed")

    lines = admin.get(f"/api/v1/builds/{build}/log").text.splitlines()

    assert running.splitlines()[-1] == "build 1 running"
    assert lines == [
        "build 1 pending",
        "build 1 running",
        "build           | CC main.c",
        "test.board      > hello",
        "build#2         = failed: 1 error",
        "build 1 failed: compiling failed",
    ]


def test_what_was_said_before_a_retry_is_left_out(
    admin: httpx.Client, engine: Engine, build: int, say: Say
) -> None:
    say("old")
    assert admin.get(f"/api/v1/builds/{build}/logs/build").json()["lines"] == ["old"]
    engine.events.publish(RunChanged(run_id=build, project_id="", status=RunStatus.PENDING))
    say("new")
    url = f"/api/v1/builds/{build}"

    assert admin.get(f"{url}/log").text.splitlines() == [
        "build 1 pending",
        "build           | new",
        "build 1 running",
    ]
    assert "build           | old" in admin.get(f"{url}/log?after=0").text
    assert admin.get(f"{url}/logs").json()[0] == {
        "stage": "build",
        "attempt": 1,
        "stream": "log",
        "first": 1,
        "lines": 2,
    }
    assert admin.get(f"{url}/logs/build").json()["lines"] == ["new"]
    assert admin.get(f"{url}/logs/build?first=0").json()["lines"] == ["old", "new"]


@pytest.mark.parametrize("path", ["log", "logs/build"])
def test_a_log_is_followed_to_the_end_of_the_build(
    admin: httpx.Client, engine: Engine, store: Store, build: int, say: Say, path: str
) -> None:
    say("one")
    seen: list[str] = []
    with admin.stream("GET", f"/api/v1/builds/{build}/{path}?follow=true") as answer:
        lines = answer.iter_lines()
        while not (seen and seen[-1].endswith("one")):
            seen.append(next(lines))
        say("two")
        while not seen[-1].endswith("two"):
            seen.append(next(lines))
        say("three")
        end(engine, store, build)
        seen += lines

    said = [line for line in seen if line.endswith(("one", "two", "three"))]
    assert [line.split()[-1] for line in said] == ["one", "two", "three"]
    assert seen[-1] == ("build 1 success" if path == "log" else "three")


def test_one_stage_of_two_is_followed(
    admin: httpx.Client, engine: Engine, store: Store, build: int, say: Say
) -> None:
    say("zero", "one")
    say("other", stage="plan")
    say("boot", kind=Serial)
    say("two", attempt=2)
    end(engine, store, build)
    url = f"/api/v1/builds/{build}/logs/build?follow=true"

    assert admin.get(f"{url}&attempt=1").text == "zero\none\n"
    assert admin.get(f"{url}&attempt=1&first=1").text == "one\n"
    assert admin.get(url).text == "two\n"
    assert admin.get(f"{url}&stream=serial").text == "boot\n"


def events(text: str) -> list[tuple[str, str, dict[str, object]]]:
    """Events of a stream: id, name and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "data" in fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def test_a_log_as_events_goes_on_after_the_last_one(
    admin: httpx.Client, engine: Engine, store: Store, build: int, say: Say
) -> None:
    say("one")
    say("boot", stage="test.board", kind=Serial)
    end(engine, store, build, "no")
    url = f"/api/v1/builds/{build}/log?follow=true"
    accept = {"Accept": "text/event-stream"}

    answer = admin.get(url, headers=accept)
    found = events(answer.text)
    again = events(admin.get(url, headers=accept | {"Last-Event-ID": found[0][0]}).text)
    stage = events(admin.get(f"/api/v1/builds/{build}/logs/test.board?format=events").text)

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text.startswith(": espdeck\nretry: ")
    assert [(name, body) for _, name, body in found] == [
        ("log", {"stage": "build", "attempt": 1, "stream": "log", "first": 0, "lines": ["one"]}),
        (
            "log",
            {
                "stage": "test.board",
                "attempt": 1,
                "stream": "serial",
                "first": 0,
                "lines": ["boot"],
            },
        ),
        ("end", {"build_id": 1, "status": "failed", "duration": None, "error": "no"}),
    ]
    assert again == found[1:]
    assert [name for _, name, _ in stage] == ["end"]  # of its log; it printed on its serial port


def subscribers(engine: Engine) -> int:
    return len(engine.events._subscribers)


def test_who_goes_away_is_told_nothing_more(
    admin: httpx.Client, engine: Engine, server: HttpServer, build: int, say: Say
) -> None:
    say("one")
    before = subscribers(engine)
    with admin.stream("GET", f"/api/v1/builds/{build}/log?follow=true") as answer:
        assert "pending" in next(answer.iter_lines())
        assert subscribers(engine) == before + 1

    wait_for(lambda: subscribers(engine) == before)


def test_a_reader_that_is_slow_slows_nothing_down(
    admin: httpx.Client, engine: Engine, store: Store, server: HttpServer, build: int, say: Say
) -> None:
    url = urlsplit(server.url)
    with socket.create_connection((url.hostname, url.port)) as slow:
        head = f"GET /api/v1/builds/{build}/log?follow=true HTTP/1.1\r\nHost: localhost\r\n"
        slow.sendall(f"{head}Authorization: {admin.headers['authorization']}\r\n\r\n".encode())
        said = threading.Thread(target=lambda: list(map(say, ["x" * 4000] * 2000)))
        said.start()
        said.join(30)
        assert not said.is_alive()
        assert admin.get("/healthz").text == "ok\n"


def test_a_server_that_stops_ends_what_is_followed(
    admin: httpx.Client, server: HttpServer, build: int, say: Say
) -> None:
    say("one")
    with admin.stream("GET", f"/api/v1/builds/{build}/log?follow=true") as answer:
        lines = answer.iter_lines()
        next(lines)
        server.stop()
        rest = list(lines)

    assert not any(line.startswith("build 1 success") for line in rest)


def test_logs_are_searched(admin: httpx.Client, build: int, say: Say) -> None:
    say("CC main.c", "error: no such file", "ERROR: again")
    say("an Error", stage="test.board", kind=Serial)
    url = f"/api/v1/builds/{build}/search"

    assert admin.get(url, params={"text": "error"}).json() == [
        {"stage": "build", "attempt": 1, "stream": "log", "line": 1, "text": "error: no such file"},
        {"stage": "build", "attempt": 1, "stream": "log", "line": 2, "text": "ERROR: again"},
        {"stage": "test.board", "attempt": 1, "stream": "serial", "line": 0, "text": "an Error"},
    ]
    assert len(admin.get(url, params={"text": "error", "limit": 2}).json()) == 2
    assert admin.get(url).status_code == 422
