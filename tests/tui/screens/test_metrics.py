"""The screen of metrics: what is drawn, whose build a point is, at every size and in ASCII."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.builds.compile_times import CompileTimes
from engine.enums import RunStatus
from engine.images.image import MemoryRegion
from engine.runs.run_events import end_run
from engine.store import projects, runs
from engine.store.database import Store
from engine.store.tables import Project, Run
from tests.engine.metrics.past import FAIL, NOON, PASS, Past, case, fill_metrics
from tests.tui.commands import Here
from tests.tui.workspaces import Story, running
from tui.screens.build import BuildScreen
from tui.screens.metrics import MetricsScreen

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    past = Past(tmp_path)
    fill_metrics(past)
    projects.add_project(past.store, Project(name="other", source="/other", target="esp32c3"))
    past.store.close()
    return tmp_path


async def open_metrics(story: Story) -> None:
    await story.sees("hub")
    await story.press("m")
    await story.sees("hub: duration", "#12")


async def test_the_build_of_each_point_is_a_key_away(workspace: Path) -> None:
    async with running(workspace) as story:
        await open_metrics(story)
        await story.sees("#12 ✓ success", "41.0 s", "take 12", "esp32c6")
        # Of the same chip: 9 for esp32c6.
        await story.sees("#9 had 32.0 s (+28.1 %)")
        await story.press("h", "left")
        await story.sees("#10 ✓ success", "take 10")
        await story.press("l")
        await story.sees("#11 ✓ success")
        await story.press("g")
        await story.sees("#1 ✓ success", "23.0 s")
        await story.press("pagedown", "enter")
        await story.until(lambda: isinstance(story.screen, BuildScreen))
        await story.sees("#11")
        await story.press("q")
        await story.until(lambda: isinstance(story.screen, MetricsScreen))
        await story.press("q")
        await story.sees("builds of hub")


async def test_metrics_and_projects_are_chosen_with_keys(workspace: Path) -> None:
    async with running(workspace) as story:
        await open_metrics(story)
        await story.press("j")
        await story.sees("hub: success rate", "75 %")
        await story.press("j")
        await story.sees("hub: image size", "158.2 KiB")  # 162,000 bytes
        await story.press("j")
        await story.sees("hub: DRAM", "10.0 KiB")  # 10,200 bytes
        await story.press("j")
        await story.sees("hub: compile time", "3.0 s")
        await story.press("tab")
        await story.sees("other: duration", "no build has this measure yet")
        await story.press("y")
        await story.sees("no build has this measure yet")
        await story.press("p")
        await story.sees("Metrics of")
        await story.press("enter")
        await story.sees("hub: duration")


async def test_figures_are_read_and_copied(workspace: Path) -> None:
    async with running(workspace) as story:
        await open_metrics(story)
        await story.press("i")
        await story.sees("hub, in figures", "12 builds, 10 succeeded, 2 failed", "compiler.error")
        await story.press("escape", "y")
        await story.until(lambda: story.app.clipboard.startswith("1\t23\n2\t26\n"))
        assert story.app.clipboard.count("\n") == 11


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (200, 60), (40, 12)])
async def test_it_is_of_use_at_every_size_and_in_ascii(
    workspace: Path, size: tuple[int, int]
) -> None:
    async with running(workspace, size=size, ascii=True) as story:
        await story.sees("hub")
        await story.press("m")
        await story.sees("#12")
        await story.press("h")
        await story.sees("#11")
        text = story.text()
        assert text.isascii()
        assert "x" in text  # the sign of a build that failed
        assert "*" in text


async def test_a_build_that_ends_is_drawn(workspace: Path) -> None:
    async with running(workspace) as story:
        await open_metrics(story)
        engine = story.app.engine
        assert engine is not None
        store = Store(workspace / "espdeck.db")
        project = next(each for each in engine.projects.list() if each.name == "hub")
        run = Run(project_id=project.id, target="esp32c6", started_at=NOON)
        number = runs.add_run(store, run).number
        end_run(store, engine.events, number, status=RunStatus.SUCCESS, result="", took=99.0)
        store.close()
        await story.sees("99.0 s")
        await story.press("G")
        await story.sees("#13 ✓ success")


async def test_names_from_outside_are_text(tmp_path: Path) -> None:
    odd = "\x1b[2J\x9b31m[/b] [@click=app.exit]x[/]\u202e"
    past = Past(tmp_path)
    for outcome in (PASS, FAIL):
        number = past.build(
            RunStatus.FAILED, tests=[case(f"t{odd}", outcome)], failed=["build"],
            errors=[("build", f"code{odd}")], message=odd,
        )  # fmt: skip
        past.keep_image(number, 10, MemoryRegion(f"RAM{odd}", 1, None))
        past.keep_times(number, CompileTimes({f"{odd}.c": 1.0}, 1.0, 0.0))
    past.store.close()
    async with running(tmp_path) as story:
        await story.sees("hub")
        await story.press("m")
        await story.sees("#2 ✗ failed", "[/b] [@click")
        assert story.text().replace("\n", "").isprintable()
        await story.press("i")
        await story.sees("in figures", "code")
        assert story.text().replace("\n", "").isprintable()
    for form in ("--project=hub", "--json", "--csv", "--prometheus"):
        said = Here(tmp_path).says("stats", form)
        assert not set("\x1b\x9b\u202e") & set(said), form
