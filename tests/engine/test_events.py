"""Events: numbered in order, JSON and back, subscribers that fail."""

from __future__ import annotations

import json
import threading

import pytest

from engine.enums import Phase, Role, StageStatus
from engine.events import (
    KINDS,
    Bus,
    Event,
    Log,
    RunProgress,
    StageChanged,
    from_body,
)


def progress(build: int, percent: float = 1.0) -> RunProgress:
    return RunProgress(run_id=build, phase=Phase.BUILD, percent=percent, message="compile")


def test_events_of_a_build_are_numbered_in_order_from_any_thread() -> None:
    bus = Bus()
    seen: list[Event] = []
    bus.subscribe(seen.append)

    threads = [
        threading.Thread(target=lambda: [bus.publish(progress(7)) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [event.seq for event in seen] == list(range(1, 801))


def test_numbers_go_on_where_an_earlier_process_stopped() -> None:
    bus = Bus(first_seq=lambda build: 40 if build == 7 else 0)

    assert bus.publish(progress(7)).seq == 41
    assert bus.publish(progress(8)).seq == 1


def test_a_subscriber_that_raises_is_dropped_and_the_others_hear_on() -> None:
    bus = Bus()
    seen: list[Event] = []
    calls = 0

    def broken(_event: Event) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("broken")

    bus.subscribe(broken)
    bus.subscribe(seen.append)
    bus.publish(progress(1))
    bus.publish(progress(1))

    assert calls == 1
    assert len(seen) == 2


def test_unsubscribing_ends_it() -> None:
    bus = Bus()
    seen: list[Event] = []
    unsubscribe = bus.subscribe(seen.append)

    bus.publish(progress(1))
    unsubscribe()
    bus.publish(progress(1))

    assert len(seen) == 1


def stage(status: StageStatus, summary: str = "diagnose") -> StageChanged:
    return StageChanged(
        phase=Phase.VALIDATION,
        run_id=3,
        seq=9,
        agent=Role.DOCTOR,
        stage="diagnose",
        attempt=1,
        status=status,
        summary=summary,
    )


@pytest.mark.parametrize("status", list(StageStatus))
def test_an_event_comes_back_from_its_json_body(status: StageStatus) -> None:
    event = stage(status)

    body = json.loads(json.dumps(event.body()))

    assert from_body(event.kind, body, run_id=3, seq=9, at=event.at) == event


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (StageStatus.PENDING, "idle"),
        (StageStatus.RUNNING, "working"),
        (StageStatus.SUCCESS, "completed"),
        (StageStatus.FAILED, "error"),
        (StageStatus.SKIPPED, "completed"),
        (StageStatus.CANCELLED, "error"),
    ],
)
def test_programs_outside_are_told_what_the_agent_does(status: StageStatus, told: str) -> None:
    event = stage(status, "it is fine")

    assert json.loads(event.json()) == {
        "event": "agent.status",
        "build": 3,
        "seq": 9,
        "at": event.at.isoformat(timespec="milliseconds"),
        "agent": "DOCTOR",
        "status": told,
        "task": "it is fine",
        "stage": "diagnose",
        "stage_status": status.value,
        "phase": "validation",
        "attempt": 1,
    }


@pytest.mark.parametrize(
    ("told", "task", "status"),
    [
        ("idle", "", StageStatus.PENDING),
        ("working", "diagnose", StageStatus.RUNNING),
        ("completed", "it is fine", StageStatus.SUCCESS),
        ("error", "it is not", StageStatus.FAILED),
        ("error", "cancelled", StageStatus.CANCELLED),
    ],
)
def test_what_versions_before_kept_of_an_agent_is_read(
    told: str, task: str, status: StageStatus
) -> None:
    body = {
        "agent": "DOCTOR",
        "stage": "diagnose",
        "phase": "validation",
        "attempt": 1,
        "status": told,
        "task": task,
    }
    event = stage(status, task)

    assert from_body("agent.status", body, run_id=3, seq=9, at=event.at) == event


def test_json_is_one_line_that_cannot_steer_a_terminal() -> None:
    event = Log(
        run_id=1,
        stage="build",
        attempt=1,
        agent=Role.BUILDER,
        first_line=0,
        text="\x1b]0;pwned\x07\n\x9b2J\u202e\n",
    )

    line = event.json()

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == event.text


def test_every_kind_of_event_has_its_name() -> None:
    assert all(name == kind.kind for name, kind in KINDS.items())
    assert {
        "workflow.started",
        "workflow.progress",
        "workflow.completed",
        "stage.status",
        "log",
        "serial",
        "project.status",
    } <= set(KINDS)
