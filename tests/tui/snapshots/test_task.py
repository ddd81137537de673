"""What the screen of a task looks like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import Settings
from tests.tui.snapshots.conftest import SIZES, Looks, Size, Walk
from tests.tui.snapshots.test_build import hostile
from tests.tui.task_workspaces import fill_tasks
from tests.tui.workspaces import Story, fill
from tui.app import EspdeckApp
from tui.screens.task import TaskScreen

pytestmark = [pytest.mark.xdist_group("snapshots-build"), pytest.mark.slow]


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
    app = EspdeckApp(Settings(workspace=tmp_path, boards=(), **getattr(request, "param", {})))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("walk", "sizes", "text", "app"),
    [
        pytest.param(review, SIZES, str, {}, id="review"),
        pytest.param(review, SIZES[1:2], hostile, {}, id="review-hostile"),
        pytest.param(as_it_came, SIZES[:1], str, {"theme": "light"}, id="as-it-came-light"),
        pytest.param(gate, (SIZES[0], SIZES[2]), str, {}, id="gate"),
        pytest.param(gate, SIZES[1:2], str, {"ascii": True}, id="gate-ascii"),
        pytest.param(gate, ((40, 12),), str, {"theme": "light"}, id="gate-small-light"),
    ],
    indirect=["app"],
)
async def test_a_task_looks_as_it_did(
    looks: Looks,
    tmp_path: Path,
    app: EspdeckApp,
    walk: Walk,
    sizes: tuple[Size, ...],
    text: Callable[[str], str],
) -> None:
    fill(tmp_path, text)
    fill_tasks(tmp_path, text)
    await looks(app, walk, *sizes)
