"""Events as lines: what a slow or closed pipe, a flood and untrusted text do to them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TextIO

import pytest

from engine.enums import Phase, ProjectStatus, Role, RunKind, RunStatus, StageStatus
from engine.events import (
    Event,
    Log,
    Problem,
    ProjectChanged,
    RunChanged,
    RunCompleted,
    RunProgress,
    RunStarted,
    Serial,
    StageChanged,
)
from tui.cli.event_printer import Printer, line_of
from tui.state.event_queue import Inbox

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def log(text: str, build: int = 1, first: int = 0) -> Log:
    return Log(
        run_id=build,
        stage="build",
        attempt=1,
        agent=Role.BUILDER,
        first_line=first,
        text=text,
        at=AT,
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            log("[1/2] cc\n[2/2] ld\n"),
            ["BUILDER           | [1/2] cc", "BUILDER           | [2/2] ld"],
        ),
        (
            Serial(
                stage="test.board", attempt=1, agent=Role.TESTER, first_line=0, text="hi\x1b[2J\n"
            ),
            ["board             > hi"],
        ),
        (
            StageChanged(
                agent=Role.QA,
                stage="judge",
                phase=Phase.VALIDATION,
                attempt=1,
                status=StageStatus.FAILED,
                summary="blocked",
            ),
            ["QA                = failed: judge: blocked"],
        ),
        (
            StageChanged(
                agent=Role.DEVELOPER,
                stage="repair",
                phase=Phase.FEEDBACK,
                attempt=1,
                status=StageStatus.SKIPPED,
                summary="",
            ),
            ["DEVELOPER         = skipped: repair"],
        ),
        (
            RunStarted(run_id=7, project="hub", commit="0123456789abc", target="esp32c3"),
            ["build 7 starts: hub 0123456789 for esp32c3"],
        ),
        (
            RunStarted(
                run_id=8, project="", commit="", target="", pipeline="Bug fix", run=RunKind.TASK
            ),
            ["task 8 starts: Bug fix"],
        ),
        (RunProgress(phase=Phase.TEST, percent=7.25, message="m"), ["  7.2 % test: m"]),
        (
            RunCompleted(
                run_id=7, success=False, status=RunStatus.FAILED, duration=2.04, result="no"
            ),
            ["build 7 failed in 2.0 s: no"],
        ),
        (
            ProjectChanged(project_id="x", project="hub", status=ProjectStatus.ERROR, detail="?"),
            ["project hub error: ?"],
        ),
        (RunChanged(run_id=7, project_id="x", status=RunStatus.RUNNING), ["build 7 running"]),
        (Problem(message="full\x1b]0;x\x07"), ["problem: full"]),
    ],
)
def test_events_are_lines_for_people(event: Event, expected: list[str]) -> None:
    assert [line[9:] for line in line_of(event)] == expected


def printed(pipe: int) -> list[str]:
    with os.fdopen(pipe) as reader:
        return reader.read().splitlines()


@pytest.fixture
def pipe() -> tuple[int, TextIO]:
    reader, writer = os.pipe()
    return reader, os.fdopen(writer, "w")


def test_what_came_before_the_build_was_known_is_printed_too(pipe: tuple[int, TextIO]) -> None:
    reader, out = pipe
    printer = Printer(out, as_json=True)
    for event in (
        RunChanged(run_id=1, seq=1, project_id="x", status=RunStatus.PENDING),
        RunChanged(run_id=2, seq=1, project_id="x", status=RunStatus.PENDING),
        Problem(message="of no build"),
    ):
        printer(event)
    printer.follow(2)
    printer(log("mine\n", build=2))
    printer(log("another's\n", build=1))
    printer.close()
    out.close()

    found = [json.loads(line) for line in printed(reader)]
    assert sorted((each["event"], each["build"]) for each in found) == [
        ("build.status", 2),
        ("log", 2),
        ("problem", 0),
    ]


def test_a_pipe_that_is_closed_ends_the_printing_quietly(pipe: tuple[int, TextIO]) -> None:
    reader, out = pipe
    os.close(reader)
    printer = Printer(out, as_json=False)
    printer.follow(1)
    for number in range(100):
        printer(log("x" * 1000 + "\n", first=number))
    printer.close()


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_keeps_nobody_waiting(pipe: tuple[int, TextIO]) -> None:
    reader, out = pipe
    printer = Printer(out, as_json=False)
    printer.follow(1)
    text = "y" * 999 + "\n"

    def publish() -> None:
        for number in range(20_000):
            printer(log(text, first=number))

    publisher = threading.Thread(target=publish)
    publisher.start()
    publisher.join(20)
    assert not publisher.is_alive()
    lines: list[str] = []
    reading = threading.Thread(target=lambda: lines.extend(printed(reader)))
    reading.start()
    printer.close()
    out.close()
    reading.join(20)
    assert any("lines skipped" in line for line in lines)
    assert len(lines) < 20_000


def test_an_inbox_is_bounded_and_counts_what_it_leaves_out() -> None:
    inbox = Inbox(1000)
    inbox.put(RunChanged(run_id=1, project_id="x", status=RunStatus.RUNNING))
    for number in range(100):
        inbox.put(log("z" * 99 + "\n", first=number))

    events, skipped = inbox.take()

    kept = [event for event in events if isinstance(event, Log)]
    assert isinstance(events[0], RunChanged)
    assert [event.first_line for event in kept] == list(range(skipped, 100))
    assert sum(len(event.text) for event in kept) <= 1000
    assert inbox.take() == ([], 0)


@pytest.mark.slow
def test_no_traceback_of_a_thread_reaches_the_terminal() -> None:
    program = (
        "import sys, threading; from tui.cli import main; sys.argv = ['espdeck', '--version'];"
        "print(threading.excepthook);"
        "\ntry:\n main.main()\nexcept SystemExit: pass\n"
        "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30)
    assert b"espdeck 0" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_build_that_is_followed_late_is_told_whole_and_once() -> None:
    first, second = (
        [log(f"{n}\n", build=1) for n in range(2)],
        [replace(log(f"line {n}\n", build=2, first=n), seq=n + 1) for n in range(4)],
    )
    out = io.StringIO()
    printer = Printer(out, as_json=False)
    printer.follow(1)
    for event in (*first, *second[:2]):
        printer(event)

    def past() -> Iterator[Event]:
        yield from second[:2]
        printer(second[1])  # it comes while what was is read
        printer(second[2])

    printer.follow(2, past())
    printer(second[3])
    printer.drain()

    told = [line.split("| ")[1] for line in out.getvalue().splitlines()]
    printer.close()
    assert told == ["0", "1", "line 0", "line 1", "line 2", "line 3"]
