"""A board as a row and as details: how it does, and when it said so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine import BoardInfo
from tui.presentation.board_rows import board_details, board_parts
from tui.theme import Glyphs

BOARD = BoardInfo(
    name="/dev/ttyUSB0", label="", remark="", kind="serial", chip="esp32c3", revision="v0.4",
    mac="", flash_size=None, features="", reserved="", state="free", holder="", doing="",
    url="/dev/ttyUSB0", last_line="", brownouts=0, watchdog_resets=0,
)  # fmt: skip


def row(board: BoardInfo) -> str:
    parts = board_parts(board, Glyphs(ascii=True), 120, name_width=20, is_marked=False)
    return "".join(text for text, _colour in parts)


def test_a_board_says_when_it_answered_last() -> None:
    board = replace(BOARD, asked_at=datetime.now(UTC) - timedelta(minutes=3, seconds=5))
    assert "answered 3 min ago" in row(board)
    assert dict(board_details(board))["health"].endswith("resets seen, answered 3 min ago")
    assert "answered" not in row(BOARD)


def test_a_board_that_left_the_pool_says_why() -> None:
    board = replace(BOARD, out_of_pool="blink #12 printed nothing")
    assert "left the pool: blink #12 printed nothing" in row(board)
    assert dict(board_details(board))["health"].startswith(
        "left the pool: blink #12 printed nothing; 0 brownouts"
    )
