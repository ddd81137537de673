"""Heartbeats of schedules, at a service that keeps what it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.enums import CheckStatus, Trigger
from tests.engine.notify.lab import lab
from tests.engine.notify.receivers import Sink, http_sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


def test_heartbeats_of_schedules(tmp_path: Path, sink: Sink) -> None:
    beats = {"build:blink": f"{sink.url}/ping/abc", "doc_check": f"{sink.url}/ping/def?x=1"}
    with lab(tmp_path, heartbeats=beats) as here:
        run = here.begin(triggered_by=Trigger.SCHEDULE)
        here.step()
        here.end(run, failed=False)
        here.step()
        here.build(failed=True, triggered_by=Trigger.SCHEDULE)
        here.build(failed=True)  # by hand
        here.step()
        here.check(CheckStatus.WARNING)
        here.step()
        here.step(minutes=10)
        here.stands()  # the next look found it as it was
        here.step()
        here.step(minutes=10)
        here.check(CheckStatus.ERROR)
        here.step()
        here.check(CheckStatus.ERROR, trigger=Trigger.MANUAL)
        here.step()

        paths = [request.path.split("?")[0] for request in sink.requests]
        assert paths == [
            "/ping/abc/start",
            "/ping/abc",
            "/ping/abc/fail",
            "/ping/def",
            "/ping/def",
            "/ping/def/fail",
        ]
        rids = [request.path.rsplit("rid=", 1)[1] for request in sink.requests]
        assert rids[0] == rids[1] != rids[2]
        assert re.fullmatch(r"[0-9a-f-]{36}", rids[0])
        assert sink.requests[3].path.startswith("/ping/def?x=1&rid=")


def test_a_heartbeat_that_is_late_is_worth_nothing(tmp_path: Path, sink: Sink) -> None:
    sink.answer = lambda _request: (500, {}, "")
    with lab(tmp_path, heartbeats={"doc_check": f"{sink.url}/ping/abc"}) as here:
        here.check(CheckStatus.SUCCESS)
        here.step()
        sink.answer = lambda _request: (200, {}, "")
        here.step(minutes=30)

        assert len(sink.requests) == 1
