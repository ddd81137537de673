"""What the comparison of two builds looks like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Settings
from tests.tui.snapshots.conftest import SIZES, Looks, Size
from tests.tui.test_hostile import hostile
from tests.tui.workspaces import Story, fill, keep_maps
from tui.app import EspdeckApp
from tui.screens.compare import CompareScreen

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]


async def compare(story: Story) -> None:
    story.app.push_screen(CompareScreen(3, 2))
    await story.sees("COMPARE #2 to #3", "FINDINGS 2 new")


@pytest.mark.parametrize(
    ("sizes", "text"),
    [pytest.param(SIZES, str, id="compare"), pytest.param(SIZES[:1], hostile, id="hostile")],
)
async def test_it_looks_as_it_did(
    looks: Looks, tmp_path: Path, sizes: tuple[Size, ...], text: Callable[[str], str]
) -> None:
    fill(tmp_path, text=text)
    keep_maps(tmp_path)
    app = EspdeckApp(Settings(workspace=tmp_path, boards=()))
    try:
        await looks(app, compare, *sizes)
    finally:
        app.close_engine()
