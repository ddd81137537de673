"""What is at work: how far it is, how long it may take, and for whom or what it waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.boards.board_info import BoardInfo
from engine.enums import RunKind, StageStatus
from engine.events import BoardTaken, RunProgress
from engine.overview.waits import NO_EXECUTOR, STARTING, wait_for_board, wait_for_turn
from engine.overview.work import Executing
from engine.store import runs
from engine.store.tables import Run, StageRow
from tests.engine.overview.lab import FAILED, NOW, OK, PENDING, RUNNING, Lab
from tests.tui.presentation.test_board_rows import BOARD


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, boards=("/dev/desk",))


def stage(lab: Lab, number: int, key: str, phase: str, attempt: int = 1) -> None:
    row = StageRow(
        run_id=number, key=key, agent="TESTER", phase=phase, attempt=attempt,
        status=StageStatus.RUNNING,
    )  # fmt: skip
    runs.put_stage(lab.store, row)


def test_nothing_at_work(lab: Lab) -> None:
    lab.build(lab.project("pump"), OK)

    assert lab.overview.work() == []


def test_how_far_a_build_is_and_how_long_it_may_take(lab: Lab) -> None:
    project = lab.project("gateway")
    for seconds in (60.0, 70.0, 500.0):
        lab.build(project, OK, duration=seconds)
    lab.build(project, FAILED, duration=1.0)
    lab.build(project, OK, duration=2.0, target="esp32")
    number = lab.build(project, RUNNING, started_at=NOW - timedelta(seconds=31))
    stage(lab, number, "build", "build")
    for percent in (12.0, 47.0):
        lab.event(number, RunProgress.kind, phase="build", percent=percent, message="wifi.c\x1b[2J")

    (item,) = lab.overview.work()

    assert (item.project, item.phase, item.percent, item.message) == (
        *("gateway", "build"),
        *(47.0, "wifi.c"),
    )
    assert (item.elapsed, item.expected, item.waits_for) == (31.0, 70.0, "")


def test_a_build_that_has_a_board(lab: Lab) -> None:
    number = lab.build(lab.project("node5"), RUNNING)
    stage(lab, number, "test.board", "test", attempt=2)
    lab.event(number, BoardTaken.kind, board="/dev/desk", stage="test.board", attempt=2)

    (item,) = lab.overview.work()
    (board,) = lab.overview.boards()

    assert (item.board, item.phase, item.waits_for) == ("/dev/desk", "test", "")
    assert (board.project, board.build) == ("node5", number)


def test_a_board_of_an_earlier_attempt_is_not_held_any_more(lab: Lab) -> None:
    number = lab.build(lab.project("node5"), RUNNING)
    lab.event(number, BoardTaken.kind, board="/dev/desk", stage="test.board", attempt=1)
    stage(lab, number, "build", "build", attempt=2)

    (item,) = lab.overview.work()
    (board,) = lab.overview.boards()

    assert (item.board, board.build) == ("", None)


def test_the_order_of_turns(lab: Lab) -> None:
    project = lab.project("node5")
    retried = lab.build(project, PENDING)
    running = lab.build(project, RUNNING)
    waiting = lab.build(project, PENDING)
    lab.event(retried, "build.status", status=PENDING)

    items = lab.overview.work()

    assert [item.run.number for item in items] == [running, waiting, retried]
    assert [item.waits_for for item in items] == [
        "",
        "",
        f"#{running} to end; 1 build before it",
    ]


def test_nobody_carries_out_builds(lab: Lab) -> None:
    lab.build(lab.project("node5"), PENDING)
    lab.executing = Executing(here=False, is_ready=False, pid=None)
    (nobody,) = lab.overview.work()
    lab.executing = Executing(here=True, is_ready=False, pid=1)
    (starting,) = lab.overview.work()

    assert (nobody.waits_for, starting.waits_for) == (NO_EXECUTOR, STARTING)


def test_a_build_waits_for_a_board_that_a_person_has(lab: Lab) -> None:
    lab.boards.call("/dev/desk", label="desk", remark="")
    lab.boards.reserve("/dev/desk", holder="ada", note="scope", hours=1)
    number = lab.build(lab.project("node5"), RUNNING)
    stage(lab, number, "test.board", "test")

    (item,) = lab.overview.work()
    (board,) = lab.overview.boards()

    assert item.waits_for.startswith("an esp32c3: desk is ada's until ")
    assert board.state == board.info.state == "reserved"
    assert (board.info.reserved_by, board.info.reserved_why) == ("ada", "scope")
    assert board.reserved_until == board.info.reserved_until is not None


@pytest.mark.parametrize(
    ("running", "ahead", "limit", "said"),
    [
        ((), 0, 1, ""),
        ((1,), 0, 2, ""),
        ((1,), 0, 1, "#1 to end"),
        ((1, 2), 0, 2, "#1 or #2 to end"),
        ((1, 2, 3), 0, 3, "#1, #2 or 1 other to end"),
        ((1, 2, 3, 4), 2, 4, "#1, #2 or 2 others to end; 2 builds before it"),
        ((), 1, 1, "its turn; 1 build before it"),
    ],
)
def test_for_which_turn_a_run_waits(
    running: tuple[int, ...], ahead: int, limit: int, said: str
) -> None:
    assert wait_for_turn(RunKind.FIRMWARE, running, ahead, limit) == said


DESK = replace(BOARD, name="/dev/desk", label="desk", state="busy", holder="build 12 (process 3)")
RACK = replace(
    BOARD, name="/dev/rack", label="rack-2", state="reserved", reserved_by="ada", reserved_until=NOW
)
FREE = replace(BOARD, state="free")


@pytest.mark.parametrize(
    ("wanted", "boards", "said"),
    [
        ("auto", (), ""),
        ("auto", (DESK, FREE), ""),
        ("auto", (RACK,), "an esp32c3: rack-2 is ada's until 12:00"),
        ("auto", (DESK,), "an esp32c3: desk is in use by build 12"),
        (
            "auto",
            (DESK, RACK),
            "an esp32c3: desk is in use by build 12, rack-2 is ada's until 12:00",
        ),
        ("desk", (DESK,), "a board: desk is in use by build 12"),
        (
            "auto",
            (DESK, DESK, RACK),
            "an esp32c3: desk is in use by build 12, desk is in use by build 12, "
            "1 other board is taken",
        ),
        (
            "auto",
            (replace(RACK, reserved_by="root (ada b)\x1b[2J"),),
            "an esp32c3: rack-2 is reserved by root (ada b) until 12:00",
        ),
        (
            "auto",
            (replace(DESK, holder="build 8 (this espdeck)"),),
            "an esp32c3: desk is in use by build 8",
        ),
        ("auto", (replace(DESK, holder="build 9 (process 3)"),), ""),
    ],
)
def test_for_which_board_a_build_waits(
    wanted: str, boards: tuple[BoardInfo, ...], said: str
) -> None:
    run = Run(id=9, board=wanted, target="esp32c3")

    assert wait_for_board(run, boards, lambda at: f"{at:%H:%M}") == said


def test_the_time_of_a_run_that_went_on_or_was_retried_begins_anew(lab: Lab) -> None:
    project = lab.project("gateway")
    long_ago = NOW - timedelta(days=3)
    resumed = lab.build(project, RUNNING, started_at=long_ago, created_at=long_ago)
    retried = lab.build(project, PENDING, created_at=long_ago)
    lab.event(resumed, "build.status", status=RUNNING)
    lab.event(retried, "build.status", status=PENDING)

    items = lab.overview.work()

    assert [item.elapsed for item in items] == [0.0, 0.0]


def test_a_chip_that_was_never_built_takes_as_long_as_others(lab: Lab) -> None:
    project = lab.project("gateway")
    lab.build(project, OK, duration=40.0, target="esp32")
    lab.build(project, RUNNING, target="esp32s3")

    (item,) = lab.overview.work()

    assert item.expected == 40.0
