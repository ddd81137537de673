"""How soon a command has answered: seconds of a core, against Python that does nothing.

Of a core, as a machine that does other things disturbs that less than what a clock says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.table import show
from tests.tui.workspaces import fill

TIMES = 7
COMMANDS = (
    "--version",
    "--help",
    "guide",
    "builds",
    "projects",
    "boards",
    "show 1",
    "builds --json",
)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name))
        base = _spent("-c", "pass")
        rows = [("python -c pass (baseline)", f"{base:.3f}", "1.0")]
        for command in COMMANDS:
            spent = _spent("-m", "tui.cli.main", "--workspace", name, *command.split())
            rows.append((f"espdeck {command}", f"{spent:.3f}", f"{spent / base:.1f}"))
    show(f"a command, the quickest of {TIMES}", ("command", "s of a core", "ratio"), rows)


def _spent(*words: str) -> float:
    """Seconds of a core that a program takes, from its start to its end; the least of several."""
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as where espdeck is installed
    least = float("inf")
    for _ in range(TIMES):
        before = os.times()
        subprocess.run(
            [sys.executable, *words],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        after = os.times()
        spent = after.children_user + after.children_system
        least = min(least, spent - before.children_user - before.children_system)
    return least


if __name__ == "__main__":
    main()
