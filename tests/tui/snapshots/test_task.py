"""What the screen of a task looks like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Settings
from tests.tui.snapshots.test_build import hostile
from tests.tui.task_workspaces import fill_tasks
from tests.tui.workspaces import Story, fill
from tui.app import EspdeckApp
from tui.screens.task import TaskScreen

pytestmark = [pytest.mark.xdist_group("snapshots-build"), pytest.mark.slow]

Walk = Callable[[Story], Awaitable[None]]


async def review(story: Story) -> None:
    story.app.push_screen(TaskScreen(4))
    await story.sees("#4 ✓ success", "main/main.c:21 blocker")


async def as_it_came(story: Story) -> None:
    await review(story)
    await story.press("m")
    await story.sees("`main/main.c:21`")


async def gate(story: Story) -> None:
    story.app.push_screen(TaskScreen(6))
    await story.sees("QUALITY GATE")


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, **getattr(request, "param", {})))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("walk", "size", "text", "app"),
    [
        pytest.param(review, (80, 24), str, {}, id="review-80"),
        pytest.param(review, (120, 36), str, {}, id="review-120"),
        pytest.param(review, (200, 60), str, {}, id="review-200"),
        pytest.param(review, (120, 36), hostile, {}, id="review-hostile"),
        pytest.param(as_it_came, (80, 24), str, {"theme": "light"}, id="as-it-came-light"),
        pytest.param(gate, (80, 24), str, {}, id="gate-80"),
        pytest.param(gate, (120, 36), str, {"ascii": True}, id="gate-ascii"),
        pytest.param(gate, (200, 60), str, {}, id="gate-200"),
        pytest.param(gate, (40, 12), str, {"theme": "light"}, id="gate-small-light"),
    ],
    indirect=["app"],
)
def test_a_task_looks_as_it_did(
    snap_compare: Any,
    tmp_path: Path,
    app: EspdeckApp,
    walk: Walk,
    size: tuple[int, int],
    text: Callable[[str], str],
) -> None:
    fill(tmp_path, text)
    fill_tasks(tmp_path, text)

    async def run_before(pilot: Pilot[None]) -> None:
        story = Story(app, pilot)
        await story.until(lambda: app.is_open)
        await walk(story)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
