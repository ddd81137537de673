"""Many who wait for what the engine tells cost it one subscription, and miss nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from engine import Engine
from engine.enums import RunStatus, Scope
from engine.events import Event, Log, RunChanged
from engine.server.http_server import HttpServer
from engine.server.waiting import news_of
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Run
from tests.engine.server.conftest import ClientOf

READERS = 12


@pytest.fixture
def build(engine: Engine) -> Iterator[int]:
    """A build that runs: its number."""
    store = Store(engine.settings.workspace / "espdeck.db")
    number = runs.add_run(store, Run(status=RunStatus.RUNNING)).number
    engine.events.publish(RunChanged(run_id=number, project_id="", status=RunStatus.RUNNING))
    yield number
    store.close()


def line_of(build: int, number: int) -> Log:
    return Log(
        run_id=build,
        stage="build",
        attempt=1,
        agent="BUILDER",
        first_line=number,
        text=f"line {number}\n",
    )


@pytest.mark.slow  # twelve readers of a log of 300 lines
def test_all_who_follow_a_log_get_each_line_by_one_subscription(
    engine: Engine, build: int, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    subscribe = engine.events.subscribe

    def counted(subscriber: Callable[[Event], None]) -> Callable[[], None]:
        asked.append(subscriber)
        return subscribe(subscriber)

    monkeypatch.setattr(engine.events, "subscribe", counted)
    client = client_of(Scope.READ)
    path = f"/api/v1/builds/{build}/log?follow=true"
    begun = threading.Barrier(READERS + 1)
    got: list[list[str]] = []

    def follow() -> None:
        with client.stream("GET", path, headers={"Accept": "text/plain"}) as answer:
            lines = answer.iter_lines()
            seen = [next(lines)]
            begun.wait(30)
            while not seen[-1].endswith("line 299"):
                seen.append(next(lines))
            got.append(seen)

    readers = [threading.Thread(target=follow) for _ in range(READERS)]
    for each in readers:
        each.start()
    engine.events.publish(line_of(build, 0))
    begun.wait(30)
    for number in range(1, 300):
        engine.events.publish(line_of(build, number))
    for each in readers:
        each.join(60)

    wanted = [f"line {number}" for number in range(300)]
    assert len(got) == READERS
    for seen in got:
        assert [each.partition("| ")[2] for each in seen if "| line" in each] == wanted
    assert len(asked) == 1


def test_a_server_that_is_started_anew_has_news(
    engine: Engine, build: int, client_of: ClientOf, server: HttpServer
) -> None:
    token, _ = engine.access.create_token("reader", Scope.READ)
    server.stop()
    again = HttpServer(engine)
    again.start()
    try:
        with (
            httpx.Client(
                base_url=again.url, headers={"Authorization": f"Bearer {token}"}
            ) as client,
            client.stream("GET", f"/api/v1/builds/{build}/log?follow=true") as answer,
        ):
            lines = answer.iter_lines()
            next(lines)
            engine.events.publish(line_of(build, 0))
            assert any(each.endswith("line 0") for each in lines)
    finally:
        again.stop()


def test_a_read_is_shared_by_those_who_were_woken_together(engine: Engine) -> None:
    done: list[int] = []

    async def ask() -> list[int]:
        news = news_of(engine)

        def read() -> int:
            done.append(1)
            return len(done)

        async with news.of(lambda _event: True) as wakeup:
            first = await asyncio.gather(*(news.read("log", read) for _ in range(5)))
            engine.events.publish(line_of(1, 0))
            assert await wakeup.wait(30)
            return [*first, await news.read("log", read)]

    assert asyncio.run(ask()) == [1, 1, 1, 1, 1, 2]
    assert asyncio.run(ask()) == [3, 3, 3, 3, 3, 4]  # on another loop
