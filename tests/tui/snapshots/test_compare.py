"""What the comparison of two builds looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Settings
from tests.tui.test_hostile import hostile
from tests.tui.workspaces import Story, fill, keep_maps
from tui.app import EspdeckApp
from tui.screens.compare import CompareScreen

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]


def plain(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        pytest.param((80, 24), plain, id="small"),
        pytest.param((120, 36), plain, id="compare"),
        pytest.param((200, 60), plain, id="large"),
        pytest.param((80, 24), hostile, id="hostile"),
    ],
)
def test_it_looks_as_it_did(
    snap_compare: Any, tmp_path: Path, size: tuple[int, int], text: Any
) -> None:
    fill(tmp_path, text=text)
    keep_maps(tmp_path)
    app = EspdeckApp(Settings(workspace=tmp_path))

    async def run_before(pilot: Pilot[None]) -> None:
        story = Story(app, pilot)
        await story.until(lambda: app.is_open)
        app.push_screen(CompareScreen(3, 2))
        await story.sees("COMPARE #2 to #3", "FINDINGS 2 new")

    try:
        assert snap_compare(app, terminal_size=size, run_before=run_before)
    finally:
        app.close_engine()
