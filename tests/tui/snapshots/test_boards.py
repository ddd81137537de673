"""What the boards screen looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Settings
from engine.boards.board_info import BoardInfo
from tests.tui.snapshots import lab_boards
from tests.tui.workspaces import Story, fill
from tui.app import EspdeckApp

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]

SMALL, MIDDLE, LARGE = (80, 24), (120, 36), (200, 60)


@pytest.mark.parametrize(
    ("boards", "row", "size", "ascii_", "keys"),
    [
        pytest.param(lab_boards.BOARDS, 2, SMALL, False, "", id="small"),
        pytest.param(lab_boards.BOARDS, 1, MIDDLE, True, "", id="middle-ascii"),
        pytest.param(lab_boards.BOARDS, 2, LARGE, False, "", id="large"),
        pytest.param((), 0, SMALL, False, "", id="empty"),
        pytest.param(lab_boards.HOSTILE, 0, SMALL, False, "", id="hostile"),
        pytest.param(lab_boards.BOARDS, 1, SMALL, False, "n", id="name"),
        pytest.param(lab_boards.HOSTILE, 1, LARGE, False, "", id="hostile-large"),
    ],
)
def test_boards(
    snap_compare: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    boards: tuple[BoardInfo, ...],
    row: int,
    size: tuple[int, int],
    ascii_: bool,
    keys: str,
) -> None:
    fill(tmp_path)
    lab_boards.use(monkeypatch, boards, lambda _rest: None)
    app = EspdeckApp(Settings(workspace=tmp_path, utc=True, ascii=ascii_, boards=()))

    async def walk(pilot: Pilot[None]) -> None:
        story = Story(app, pilot)
        await story.until(lambda: app.is_open)
        await story.press("B")
        await story.sees(f"boards {len(boards)}")
        await story.press(*"j" * row, *keys)

    try:
        assert snap_compare(app, terminal_size=size, run_before=walk)
    finally:  # else each test that follows in this process has no executor
        app.close_engine()
