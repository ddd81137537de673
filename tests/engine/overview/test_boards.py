"""A board at a glance: its state in one word, and what is not well with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.boards.board_info import BoardInfo
from engine.enums import CheckStatus, StageStatus
from engine.events import BoardTaken
from engine.overview.boards import NOT_LOOKED_AT, BoardLook, board_overview
from engine.store import checks, logs, runs
from engine.store.boards import count_resets
from engine.store.tables import CheckResultRow, LogChunk, StageRow
from tests.engine.overview.lab import NOW, RUNNING, Lab
from tests.tui.presentation.test_board_rows import BOARD

FREE = replace(
    BOARD, state="free", holder="", reserved="", out_of_pool="", brownouts=0, watchdog_resets=0,
    asked_at=NOW - timedelta(hours=2),
)  # fmt: skip
HELD = {"reserved_by": "ada", "reserved_until": NOW}


@pytest.mark.parametrize(
    ("known", "found", "state", "problem"),
    [
        ({}, {}, "free", ""),
        ({"state": "busy", **HELD}, {}, "busy", ""),
        ({"state": "reserved", **HELD}, {}, "reserved", ""),
        ({"state": "off", **HELD}, {}, "reserved", ""),
        ({"state": "off"}, {}, "off", ""),
        ({"brownouts": 3}, {}, "free", "3 brownouts"),
        ({"watchdog_resets": 1}, {}, "free", "1 watchdog reset"),
        (
            {"brownouts": 3},
            {"state": "does not answer", "errors": ["does not answer: no port (answered last …)"]},
            "unwell",
            "silent for 2 h, 3 brownouts",
        ),
        ({"asked_at": None}, {"state": "does not answer"}, "unwell", "has never answered"),
        ({"asked_at": NOW}, {"state": "does not answer"}, "free", ""),
        ({"out_of_pool": "flash \x1b[2Jworn"}, {}, "unwell", "left the pool: flash worn"),
        (
            {"state": "busy"},
            {"errors": ["known good fails", "left the pool: x"], "warnings": ["holds another"]},
            "busy",
            "known good fails, holds another",
        ),
        (
            {"brownouts": 2},
            {"warnings": ["2 brownouts since the last look"]},
            "free",
            "2 brownouts",
        ),
        ({}, {"errors": "no list", "warnings": None, "state": 7}, "free", ""),
    ],
)
def test_how_a_board_is(
    known: dict[str, Any], found: dict[str, Any], state: str, problem: str
) -> None:
    look = BoardLook(NOW - timedelta(minutes=5), found) if found else NOT_LOOKED_AT
    board: BoardInfo = replace(FREE, **known)

    shown = board_overview(board, look, None, NOW)

    assert (shown.state, shown.problem) == (state, problem)


def test_what_the_board_check_found_and_who_has_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path, boards=("/dev/desk", "/dev/rack"))
    number = lab.build(lab.project("node5"), RUNNING)
    runs.put_stage(
        lab.store,
        StageRow(
            run_id=number, key="test.board", agent="TESTER", phase="test", attempt=1,
            status=StageStatus.RUNNING,
        ),
    )  # fmt: skip
    lab.event(number, BoardTaken.kind, board="/dev/desk", stage="test.board", attempt=1)
    chunk = LogChunk(
        run_id=number, stage="test.board", attempt=1, stream="serial", agent="TESTER", seq=2,
        first_line=0, lines=3, text="booting\nI (512) \x1b[32mwifi: up\n\n", writer="other",
    )  # fmt: skip
    logs.append(lab.store, [chunk])
    count_resets(lab.store, "/dev/rack", brownouts=1, watchdog_resets=0)
    details = {"boards": [{"board": "/dev/rack", "state": "does not answer"}, "no board"]}
    checks.add_result(
        lab.store,
        CheckResultRow(
            check_name="board_check", project_id=None, status=CheckStatus.ERROR, message="",
            details=details, timestamp=NOW, confirmed_at=NOW,
        ),
    )  # fmt: skip

    desk, rack = lab.overview.boards()

    assert (desk.project, desk.build, desk.info.last_line) == ("node5", number, "I (512) wifi: up")
    assert (rack.state, rack.problem) == ("unwell", "has never answered, 1 brownout")
    assert [each.check for each in lab.overview.failing_lab_checks()] == ["board_check"]
