"""Home with a thousand projects and ten thousand builds: what the engine reads, and the screen.

The screen is measured beside one of ten projects in the same run: what is more is the projects'.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.boards.service import Boards
from engine.enums import CheckStatus, RunStatus
from engine.events import Bus, CheckCompleted, RunChanged
from engine.overview.order import PROJECT_ORDERS
from engine.overview.service import Overview
from engine.overview.work import Executing
from engine.settings import CheckSettings, Settings
from engine.store import projects as store_projects
from tests.bench.table import median, show
from tests.engine.overview.big import CHECKS, fill_lab
from tests.engine.overview.lab import NOW
from tests.tui.workspaces import running

PROJECTS, BUILDS = 1_000, 10_000
RUNS = 7

LABS = ((10, 100), (PROJECTS, BUILDS))
EVENTS = ("build", "check")

WINDOW_SECONDS = 1.0
"""In which what an event costs is counted; what the app takes at rest is taken off."""


def main() -> None:
    """Measure and print."""
    _show_reads()
    labs = [(f"{projects:,} projects", _screen(projects, builds)) for projects, builds in LABS]
    show(
        "The home screen, ms of CPU",
        ("", "opened", *(f"one {what}" for what in EVENTS)),
        [(name, *(f"{1e3 * seconds:.0f}" for seconds in cpus)) for name, cpus in labs],
    )


def _screen(projects: int, builds: int) -> tuple[float, ...]:
    """CPU seconds of the app from its start until it is at rest, and of one event of each kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill_lab(folder, projects, builds, unfinished=0).close()
        return asyncio.run(_measure_screen(folder, projects))


async def _measure_screen(folder: Path, projects: int) -> tuple[float, ...]:
    began = time.process_time()
    # Checks of its own would be at work all the time: each of each project is due.
    off = {
        check: CheckSettings(enabled=False) for check in (*CHECKS, "board_check", "schedule_check")
    }
    async with running(folder, size=(120, 36), boards=(), checks=off) as story:
        await story.sees("node-0")
        opened = time.process_time() - began + await _spent()
        rest = median([await _spent() for _ in range(RUNS)])
        engine = story.app.engine
        assert engine is not None
        project = engine.projects.list()[projects // 2]
        events = (
            RunChanged(run_id=1, project_id=str(project.id), status=RunStatus.SUCCESS),
            CheckCompleted(
                result_id=1, check="git_check", project_id=str(project.id), project=project.name,
                status=CheckStatus.SUCCESS, message="", duration=1.0,
            ),
        )  # fmt: skip
        costs = []
        for event in events:
            some = []
            for _ in range(RUNS):
                engine.events.publish(event)
                some.append(await _spent() - rest)
            costs.append(median(some))
    return (opened, *costs)


async def _spent() -> float:
    """CPU seconds that this process takes in a while."""
    before = time.process_time()
    await asyncio.sleep(WINDOW_SECONDS)
    return time.process_time() - before


def _show_reads() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = fill_lab(folder, PROJECTS, BUILDS)
        boards = [f"/dev/ttyNONE{number}" for number in range(6)]
        settings = Settings(workspace=folder, boards=tuple(boards))
        overview = Overview(
            store,
            Boards(boards, folder / "boards", store),
            lambda: settings,
            executing=lambda: Executing(here=True, is_ready=True, pid=1),
            bus=Bus(),
            now=lambda: NOW,
        )
        found = overview.projects()
        one = found[0].project.id

        rows = [
            ("projects alone, to compare", _measure(lambda: store_projects.all_projects(store))),
            ("overview.projects()", _measure(overview.projects)),
            (
                "sorted by attention",
                _measure(lambda: sorted(found, key=PROJECT_ORDERS["by attention"])),
            ),
            ("overview.project(one)", _measure(lambda: overview.project(one))),
            ("overview.work()", _measure(overview.work)),
            ("overview.boards()", _measure(overview.boards)),
            ("overview.failing_lab_checks()", _measure(overview.failing_lab_checks)),
        ]
        store.close()
    show(
        f"Home with {PROJECTS:,} projects and {BUILDS:,} builds",
        ("what", "ms", "ms of CPU"),
        [(what, f"{1e3 * wall:.1f}", f"{1e3 * cpu:.1f}") for what, (wall, cpu) in rows],
    )


def _measure(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of real time and of CPU, the middle of some runs."""
    work()
    walls, cpus = [], []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return median(walls), median(cpus)


if __name__ == "__main__":
    main()
