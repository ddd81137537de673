"""Statistics of ten thousand builds: read by the engine, and printed by the command line."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.events import Bus
from engine.metrics.series import Metric
from engine.metrics.service import Metrics
from tests.bench.table import median, show
from tests.engine.metrics.many import fill_many

BUILDS = 10_000
RUNS = 5


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        metrics = Metrics(fill_many(folder, BUILDS), Bus())
        project = metrics.projects()[0].project_id
        size = Metric("image_size", unit="bytes")
        rows = [
            ("catch_up(), nothing to do", _median(metrics.catch_up)),
            ("projects()", _median(metrics.projects)),
            ("projects(one)", _median(lambda: metrics.projects(project))),
            ("series()", _median(lambda: metrics.series(project, size))),
            ("prometheus()", _median(metrics.prometheus)),
            ("rows(), as CSV has them", _median(lambda: list(metrics.rows()))),
            ("espdeck projects, to compare", _median(lambda: _espdeck(folder, "projects"))),
            ("espdeck stats", _median(lambda: _espdeck(folder, "stats"))),
        ]
    show(
        f"Statistics of {BUILDS:,} builds",
        ("what", "ms"),
        [(what, f"{1e3 * seconds:.0f}") for what, seconds in rows],
    )


def _espdeck(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "tui.cli.main", "--workspace", str(folder), *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _median(work: Callable[[], object]) -> float:
    return median([_seconds(work) for _ in range(RUNS)])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
