"""What the screens look like: ``pytest --snapshot-update`` takes the pictures anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import Settings
from tests.tui.guide.small_manual import small_manual
from tests.tui.task_workspaces import fill_tasks
from tests.tui.workspaces import Story, fill, keep_maps
from tui.app import EspdeckApp
from tui.presentation import manual

pytestmark = pytest.mark.xdist_group("snapshots")

Walk = Callable[[Story], Awaitable[None]]


async def home(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("j", "l")
    await story.sees("#3", "source  https://git.lab/sensor-hub")


async def build(story: Story) -> None:
    await home(story)
    await story.press("g", "enter")
    await story.sees("FINDINGS 2", "main/main.c")


async def builder(story: Story) -> None:
    await build(story)
    await story.press("2")
    await story.sees("the last of them")


async def sizes(story: Story) -> None:
    await build(story)
    await story.press("s")
    await story.sees("against #2", "libc.a")


async def workflows(story: Story) -> None:
    await story.sees("sensor-hub")
    await story.press("j", "w")
    await story.sees("#4", "about   a review")
    await story.press("l")
    await story.sees("asked   It hangs")


async def task(story: Story) -> None:
    await workflows(story)
    await story.press("G", "enter")
    await story.sees("#4 ✓ success", "1 main/main.c:21 blocker")


async def gate(story: Story) -> None:
    await workflows(story)
    await story.press("enter")
    await story.sees("QUALITY GATE")


async def form(story: Story) -> None:
    await workflows(story)
    await story.press("h", "enter")
    await story.sees("each role's own; ")


async def helped(story: Story) -> None:
    await home(story)
    await story.press("question_mark")
    await story.sees("Keys")


async def guide(story: Story) -> None:
    await home(story)
    await story.press("H")
    await story.press("slash")
    await story.type("name")
    await story.press("enter", "n", "n", "n", "n", "shift+tab")
    await story.sees("A name does wherever")


async def empty(story: Story) -> None:
    await story.sees("no projects yet: press a")


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EspdeckApp]:
    app = EspdeckApp(Settings(workspace=tmp_path, **getattr(request, "param", {})))
    yield app
    app.close_engine()


@pytest.mark.parametrize(
    ("walk", "size", "app"),
    [
        pytest.param(empty, (80, 24), {}, id="empty"),
        pytest.param(home, (80, 24), {}, id="home"),
        pytest.param(home, (120, 30), {"theme": "light"}, id="home-light"),
        pytest.param(build, (80, 24), {}, id="build"),
        pytest.param(builder, (80, 24), {"ascii": True}, id="builder-ascii"),
        pytest.param(builder, (200, 60), {}, id="build-large"),
        pytest.param(build, (40, 12), {}, id="build-small"),
        pytest.param(sizes, (80, 24), {"ascii": True}, id="sizes-ascii"),
        pytest.param(sizes, (200, 60), {}, id="sizes-large"),
        pytest.param(helped, (80, 24), {}, id="help"),
        pytest.param(guide, (80, 24), {}, id="guide"),
        pytest.param(guide, (60, 15), {"ascii": True, "theme": "light"}, id="guide-small-ascii"),
        pytest.param(workflows, (80, 24), {}, id="workflows"),
        pytest.param(form, (80, 24), {}, id="workflow-form"),
        pytest.param(task, (80, 24), {}, id="task"),
        pytest.param(task, (200, 60), {}, id="task-large"),
        pytest.param(gate, (120, 30), {"ascii": True}, id="task-gate-ascii"),
        pytest.param(gate, (40, 12), {"theme": "light"}, id="task-small-light"),
    ],
    indirect=["app"],
)
def test_it_looks_as_it_did(
    snap_compare: Any,
    tmp_path: Path,
    app: EspdeckApp,
    walk: Walk,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = small_manual()
    monkeypatch.setattr(manual, "topics", lambda: pages)
    if walk is not empty:
        fill(tmp_path)
    if walk is sizes:
        keep_maps(tmp_path)
    if walk in (workflows, task, gate, form):
        fill_tasks(tmp_path)

    async def run_before(pilot: Pilot[None]) -> None:
        story = Story(app, pilot)
        await story.until(lambda: app.is_open)
        await walk(story)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
