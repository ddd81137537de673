"""A board as a row and as details: how it does, and when it said so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine import BoardInfo, BoardOverview
from tui.presentation.board_holder import who_has
from tui.presentation.board_rows import board_details, board_parts
from tui.theme import Glyphs

BOARD = BoardInfo(
    name="/dev/ttyUSB0", label="", remark="", kind="serial", chip="esp32c3", revision="v0.4",
    mac="", flash_size=None, features="", reserved="", state="free", holder="", doing="",
    url="/dev/ttyUSB0", last_line="", brownouts=0, watchdog_resets=0,
)  # fmt: skip


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seen(**changes: object) -> BoardOverview:
    info = replace(BOARD, **changes)  # type: ignore[arg-type]
    return BoardOverview(info, state=info.state, reserved_until=info.reserved_until)


def row(board: BoardOverview, width: int = 120) -> str:
    parts = board_parts(board, Glyphs(ascii=True), width, name_width=20, is_marked=False, now=NOW)
    return "".join(text for text, _colour in parts)


def test_a_board_says_when_it_answered_last() -> None:
    board = seen(asked_at=datetime.now(UTC) - timedelta(minutes=3, seconds=5))
    assert "answered 3 min ago" in row(board)
    assert dict(board_details(board, NOW))["health"].endswith(", answered 3 min ago")
    assert "answered" not in row(seen())


def test_a_board_that_is_not_well_says_why() -> None:
    problem = "left the pool: blink #12 printed nothing, 2 brownouts"
    board = replace(seen(), state="unwell", problem=problem)
    assert row(board).startswith(" x unwell ")
    assert problem in row(board)
    assert dict(board_details(board, NOW))["health"] == problem


def test_a_reserved_board_says_who_has_it_until_when_and_never_that_it_is_free() -> None:
    board = seen(
        state="reserved",
        reserved_by="ada",
        reserved_until=NOW + timedelta(hours=3, minutes=30),
        reserved_why="scope attached",
    )
    assert "free" not in row(board)
    told = "ada until 15:30: scope attached"
    assert told in row(board, 80)[:80]
    assert dict(board_details(board, NOW))["who"] == told
    used = replace(board, info=replace(board.info, holder="monitor of ada (process 7)"))
    assert f"monitor of ada (process 7); reserved by {told}" in row(used)
    tomorrow = replace(board.info, reserved_until=NOW + timedelta(hours=20), reserved_why="")
    assert who_has(tomorrow, NOW) == "ada until 2026-03-02 08:00"


def test_a_board_is_called_by_its_name() -> None:
    assert " desk " in row(seen(label="desk"), 80)
    assert "/dev/ttyUSB0" not in row(seen(label="desk"), 80)
    assert "desk (/dev/ttyUSB0)" in row(seen(label="desk"), 120)
