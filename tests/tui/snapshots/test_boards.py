"""What the boards screen looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Settings
from engine.boards.board_info import BoardInfo
from tests.tui.snapshots import lab_boards
from tests.tui.snapshots.conftest import SIZES, Looks, Size
from tests.tui.workspaces import Story, fill
from tui.app import EspdeckApp

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]

SMALL, MIDDLE, LARGE = SIZES


@pytest.mark.parametrize(
    ("boards", "row", "sizes", "ascii_", "keys"),
    [
        pytest.param(lab_boards.BOARDS, 2, SIZES, False, "", id="boards"),
        pytest.param(lab_boards.BOARDS, 1, (MIDDLE,), True, "", id="ascii"),
        pytest.param((), 0, (SMALL,), False, "", id="empty"),
        pytest.param(lab_boards.HOSTILE, 0, (SMALL,), False, "", id="hostile"),
        pytest.param(lab_boards.BOARDS, 1, (SMALL,), False, "n", id="name"),
        pytest.param(lab_boards.HOSTILE, 1, (LARGE,), False, "", id="hostile-large"),
    ],
)
async def test_boards(
    looks: Looks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    boards: tuple[BoardInfo, ...],
    row: int,
    sizes: tuple[Size, ...],
    ascii_: bool,
    keys: str,
) -> None:
    fill(tmp_path)
    lab_boards.use(monkeypatch, boards, lambda _rest: None)
    app = EspdeckApp(Settings(workspace=tmp_path, utc=True, ascii=ascii_, boards=()))

    async def walk(story: Story) -> None:
        await story.press("B")
        await story.sees(f"boards {len(boards)}")
        await story.press(*"j" * row, *keys)

    try:
        await looks(app, walk, *sizes)
    finally:  # else each test that follows in this process has no executor
        app.close_engine()
