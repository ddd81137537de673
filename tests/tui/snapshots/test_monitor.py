"""What consoles look like: as they come, a panic, a board that vanished and is back, a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import Settings
from tests.tui.snapshots import lab_boards
from tests.tui.snapshots.conftest import SIZES, Looks, Size, Walk
from tests.tui.snapshots.lab_boards import BOOT, GARBAGE, PANIC, TESTS
from tests.tui.workspaces import Story, fill
from tui.app import EspdeckApp
from tui.widgets.chart import Chart

pytestmark = [pytest.mark.xdist_group("snapshots"), pytest.mark.slow]

SMALL, MIDDLE, LARGE = SIZES


def plain(rest: dict[str, Any]) -> None:
    rest["on_output"](BOOT + TESTS)


def panic(rest: dict[str, Any]) -> None:
    rest["on_output"](BOOT + PANIC)
    rest["crashes"].feed(BOOT + PANIC)


def vanished(rest: dict[str, Any]) -> None:
    rest["on_output"](BOOT)
    rest["on_note"]("rack-2: the board vanished; check its cable and power; waiting for it")
    rest["on_presence"](False)


def back(rest: dict[str, Any]) -> None:
    vanished(rest)
    rest["on_note"]("rack-2: back after 3.2 s")
    rest["on_presence"](True)
    rest["on_output"](BOOT)


def garbage(rest: dict[str, Any]) -> None:
    rest["on_output"](GARBAGE)


async def look(story: Story) -> None:
    await story.sees("kept in", "gave up")


async def look_for_return(story: Story) -> None:
    await story.sees("back after 3.2 s")


async def look_for_garbage(story: Story) -> None:
    await story.sees("喂喂")


async def look_for_places(story: Story) -> None:
    await story.sees("panics 1", "main/main.c:21", "error: Load access fault")


async def look_for_findings(story: Story) -> None:
    await look_for_places(story)
    await story.sees("v findings")


async def look_for_vanished(story: Story) -> None:
    await story.sees("VANISHED at")


async def search(story: Story) -> None:
    await look(story)
    await story.press("slash")
    await story.type("HEAP")
    await story.press("enter", "n")
    await story.sees("match ")


async def plot(story: Story) -> None:
    """A second board beside it, and the heap drawn."""
    await story.press("q")
    await story.sees("boards 5")
    await story.press("k", "m", "m", "enter")
    await story.sees("desk", "rack-2", "heap 180")
    await story.press("P")
    await story.type("heap ([0-9]+)")
    await story.press("enter")
    await story.until(lambda: story.screen.query_one(Chart).plot is not None)
    curves = story.screen.query_one(Chart).plot
    assert curves is not None
    for number in range(40):
        curves.feed(f"heap {180_000 - 9_000 * (number % 9)}")
    await story.sees("108000")


@pytest.mark.parametrize(
    ("says", "walk", "sizes"),
    [
        pytest.param(plain, look, SIZES, id="plain"),
        pytest.param(panic, look_for_places, (SMALL,), id="panic"),
        pytest.param(panic, look_for_findings, (MIDDLE,), id="panic-middle"),
        pytest.param(vanished, look_for_vanished, (SMALL,), id="vanished"),
        pytest.param(back, look_for_return, (SMALL,), id="back"),
        pytest.param(back, look_for_return, (LARGE,), id="back-large"),
        pytest.param(plain, search, (MIDDLE,), id="search"),
        pytest.param(panic, plot, (MIDDLE,), id="two-and-a-plot"),
        pytest.param(garbage, look_for_garbage, (SMALL,), id="garbage"),
    ],
)
async def test_a_console(
    looks: Looks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says: lab_boards.Watch,
    walk: Walk,
    sizes: tuple[Size, ...],
) -> None:
    fill(tmp_path)
    lab_boards.use(monkeypatch, lab_boards.BOARDS, says)
    app = EspdeckApp(Settings(workspace=tmp_path, utc=True, boards=()))

    async def show(story: Story) -> None:
        await story.press("B")
        await story.sees("boards 5", "rack-2")
        await story.press("j", "enter")
        await walk(story)

    try:
        await looks(app, show, *sizes)
    finally:  # else each test that follows in this process has no executor
        app.close_engine()
