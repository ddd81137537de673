"""Home with a thousand projects and ten thousand builds: what the engine reads, and the screen.

The screen is measured beside one of ten projects in the same run: what is more is the projects'.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.boards.service import Boards
from engine.enums import CheckStatus, RunStatus
from engine.events import Bus, CheckCompleted, Event, RunChanged
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
COSTS = ("one build", "one check", "one key")

WINDOW_SECONDS = 0.4
"""After an event; what the app takes at rest in that time is taken off."""

LOOKS_SECONDS = 60.0
SETTLE_SECONDS = 5.0


def main() -> None:
    """Measure and print."""
    _show_reads()
    labs = [(f"{projects:,} projects", _screen(projects, builds)) for projects, builds in LABS]
    base = labs[0][1]
    rows = [(name, *(f"{1e3 * cpu:.1f}" for cpu in cpus)) for name, cpus in labs] + [
        ("ratio", *(f"{cpu / before:.1f}" for before, cpu in zip(base, labs[1][1], strict=True)))
    ]
    show(
        "The home screen, ms of CPU of the event loop (opened: of the process)",
        ("", "opened", *COSTS),
        rows,
    )


def _screen(projects: int, builds: int) -> tuple[float, ...]:
    """CPU seconds from the start of the app until it is at rest, of each event and of a key."""
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
        engine = story.app.engine
        assert engine is not None
        opened = time.process_time() - began
        # Git looks at every project once.
        await asyncio.to_thread(engine.overview.wait_for_looks, LOOKS_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS)
        listed = engine.projects.list()

        def publish(event: Event) -> Callable[[], Awaitable[object]]:
            async def act() -> None:
                engine.events.publish(event)

            return act

        project = listed[projects // 2]
        rest = await _spent(lambda: asyncio.sleep(0))
        acts = (
            publish(
                RunChanged(run_id=1, project_id=str(project.id), status=RunStatus.SUCCESS)
            ),
            publish(
                CheckCompleted(
                    result_id=1, check="git_check", project_id=str(project.id),
                    project=project.name, status=CheckStatus.SUCCESS, message="", duration=1.0,
                )
            ),
            lambda: story.pilot.press("j"),
        )  # fmt: skip
        return (opened, *[max(0.0, await _spent(act) - rest) for act in acts])


async def _spent(act: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds of the event loop, the middle of some runs."""
    costs = []
    for _ in range(RUNS):
        before = time.thread_time()
        await act()
        await asyncio.sleep(WINDOW_SECONDS)
        costs.append(time.thread_time() - before)
    return median(costs)


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
