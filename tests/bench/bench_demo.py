"""From ``espdeck demo --headless`` to the first build's end, and where the time goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.table import median, show

RUNS = 3


def main() -> None:
    """Measure a first start (everything is made and compiled) and a second, and print."""
    cold: list[dict[str, float]] = []
    warm: list[dict[str, float]] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as name:
            cold.append(_demo(Path(name)))
            warm.append(_demo(Path(name)))
    moments = list(cold[0])
    show(
        f"espdeck demo --headless, seconds since the command, median of {RUNS}",
        ("moment", "first start", "second start"),
        [
            (
                moment,
                f"{median([run[moment] for run in cold]):.2f}",
                f"{median([run[moment] for run in warm]):.2f}",
            )
            for moment in moments
        ],
    )


def _demo(folder: Path) -> dict[str, float]:
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli.main", "--workspace", str(folder), "demo", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    moments: dict[str, float] = {}
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        now = time.perf_counter() - started
        match event["event"]:
            case "build.status" if event["status"] == "pending":
                moments["build asked for"] = now
            case "workflow.started":
                moments["build begins (queue hop)"] = now
            case "agent.status" if event["status"] == "completed":
                moments[f"{event['stage']} ended"] = now
            case "serial" if event["stage"] == "test.board":
                moments.setdefault("board: first line", now)
            case "workflow.completed":
                moments["all ended"] = now
    code = process.wait()
    moments["process ended"] = time.perf_counter() - started
    assert code == 0
    return moments


if __name__ == "__main__":
    main()
