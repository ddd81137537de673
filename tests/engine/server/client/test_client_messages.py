"""Server-sent events as text, and events that come back as they went."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import sse_message
from engine.enums import RunStatus, StageStatus
from engine.events import (
    BoardTaken,
    Event,
    Log,
    Problem,
    RunChanged,
    RunCompleted,
    RunProgress,
    RunStarted,
    Serial,
    StageChanged,
    from_wire,
)
from engine.server.client.messages import Lagged, SseMessage, SseParser, stream_item

AT = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
STAGE: dict[str, Any] = {"stage": "test.board", "attempt": 2}


def parsed(text: str) -> list[SseMessage]:
    parser = SseParser()
    return [each for line in text.split("\n") if (each := parser.take(line)) is not None]


@given(st.lists(st.text()))
def test_messages_come_as_they_were_sent(texts: list[str]) -> None:
    sent = [json.dumps({"text": text}) for text in texts]
    stream = b"".join(sse_message(each, f"s-{place}") for place, each in enumerate(sent))

    found = parsed(stream.decode("ascii"))

    assert [each.json["text"] for each in found] == texts
    assert [each.id for each in found] == [f"s-{place}" for place in range(len(texts))]


@given(st.text())
def test_no_text_is_a_mistake_of_the_parser(text: str) -> None:
    for message in parsed(text):
        stream_item(SseMessage(message.id, message.name, "{}"))
        assert isinstance(message.json, dict)


def test_fields_as_the_standard_has_them() -> None:
    text = ": comment\nevent:log\ndata:a\ndata:  b\nid: 7\nunknown: x\n\nid: 8\n\ndata\n\ndata: cut"
    assert parsed(text) == [SseMessage("7", "log", "a\n b"), SseMessage("", "", "")]


@pytest.mark.parametrize(
    "event",
    [
        RunStarted(project="p", commit="c", target="esp32c3", resumed=True, project_path="/x"),
        RunProgress(phase="build", percent=12.5, message="compiling"),
        RunCompleted(success=False, status=RunStatus.CANCELLED, duration=2.5, result="cancelled"),
        Log(**STAGE, agent="TESTER", first_line=3, text="one\n\x1b[2Jtwo\u2028\n"),
        Serial(**STAGE, agent="TESTER", first_line=3, text="\ud800\n"),
        BoardTaken(board="virtual:esp32c3", **STAGE),
        RunChanged(project_id="p", status=RunStatus.RUNNING),
        Problem(message="no room"),
        *(
            StageChanged(**STAGE, agent="TESTER", phase="test", status=status, summary="cancelled")
            for status in StageStatus
        ),
    ],
    ids=lambda event: event.kind,
)
def test_an_event_comes_back_as_it_went(event: Event) -> None:
    kind, body = event.wire()
    head = {"type": kind, "job_id": "7", "timestamp": "2026-03-01T12:00:00.123Z", "seq": 4}

    back = from_wire(json.loads(json.dumps(head | body)))

    assert back == type(event)(run_id=7, seq=4, at=AT, **event.body())


@pytest.mark.parametrize(
    "change",
    [
        {"type": "new.kind"},
        {"type": None},
        {"status": "paused"},
        {"job_id": "seven"},
        {"timestamp": "yesterday"},
        {"seq": None},
    ],
)
def test_what_another_version_says_is_passed_over(change: dict[str, Any]) -> None:
    kind, body = RunChanged(project_id="p", status=RunStatus.RUNNING).wire()
    head = {"type": kind, "job_id": "7", "timestamp": "2026-03-01T12:00:00.123Z", "seq": 4}

    assert from_wire(head | body) is not None
    assert from_wire(head | body | change) is None


def test_who_is_slow_is_told() -> None:
    told = '{"type": "lagged", "missed": 3, "from_id": "s-1", "to_id": "s-3"}'
    assert stream_item(SseMessage("", "", told)) == Lagged(3, "s-1", "s-3")
    assert stream_item(SseMessage("s-0", "", '{"type": "hello", "id": "s-0"}')) is None
