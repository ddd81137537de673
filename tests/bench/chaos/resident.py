"""An espdeck that stays: an engine that carries runs until its standard input ends.

What a front end does that nobody asks anything of; ``python -m tests.bench.chaos.resident``.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from engine import Engine, Settings

READY = "ready"
"""The line that it prints when runs are carried, by it or by another process."""


def main() -> None:
    """Stay."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    with Engine(Settings.load(workspace=Path(sys.argv[1]))) as engine:
        engine.wait_ready()
        print(READY, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
