"""Home with a thousand projects and ten thousand builds: what the engine reads for it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.boards.service import Boards
from engine.events import Bus
from engine.overview.order import PROJECT_ORDERS
from engine.overview.service import Overview
from engine.overview.work import Executing
from engine.settings import Settings
from engine.store import projects as store_projects
from tests.bench.table import median, show
from tests.engine.overview.big import fill_lab
from tests.engine.overview.lab import NOW

PROJECTS, BUILDS = 1_000, 10_000
RUNS = 7


def main() -> None:
    """Measure and print."""
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
            unread=lambda: 0,
            bus=Bus(),
            now=lambda: NOW,
        )
        found = overview.projects()
        one = found[0].project.id

        def before() -> None:
            store_projects.all_projects(store)
            store_projects.last_statuses(store)

        rows = [
            ("projects and their newest status, to compare", _measure(before)),
            ("overview.projects()", _measure(overview.projects)),
            (
                "sorted by attention",
                _measure(lambda: sorted(found, key=PROJECT_ORDERS["by attention"])),
            ),
            ("overview.project(one)", _measure(lambda: overview.project(one))),
            ("overview.work()", _measure(overview.work)),
            ("overview.boards()", _measure(overview.boards)),
            ("overview.totals()", _measure(overview.totals)),
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
