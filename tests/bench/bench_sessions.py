"""Many sessions on disk: listed, searched and tidied, by the functions and by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.boards.service import Boards
from engine.monitor.retention import SessionLimits, tidy
from engine.monitor.sessions import Recorder, search, sessions
from engine.store.database import Store
from tests.bench.table import median, show

SESSIONS = 10_000
BOARDS = 8
LINES = 100
RUNS = 5
BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
NAMES = [f"socket://127.0.0.1:{1024 + number}" for number in range(BOARDS)]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boards = Boards(NAMES, folder / "boards", Store(folder / "espdeck.db"))
        for number in range(SESSIONS):
            _keep(boards.sessions_folder, number)
        total = sum(each.size for each in sessions(boards.sessions_folder))
        kept = boards.sessions_folder

        def found(text: str) -> int:
            return sum(1 for _each in search(kept, text))

        tidy_all = SessionLimits(days=0, size=total)
        rows = [
            ("list()", _median(lambda: sessions(kept))),
            ("search, in one of them", _median(lambda: found("reading 77 of session 4321 "))),
            ("search, in none", _median(lambda: found("nowhere to be found"))),
            ("search, letters beyond ASCII", _median(lambda: found("\u00e4"))),
            ("boards.list_all()", _median(boards.list_all)),
            ("tidy, all stay", _median(lambda: tidy(kept, SessionLimits(days=0), now=0))),
            ("espdeck sessions", _median(lambda: _espdeck(folder, "sessions"))),
            ("espdeck sessions --search, in one", _median(lambda: _search_one(folder))),
            ("espdeck boards", _median(lambda: _espdeck(folder, "boards"))),
            ("tidy, half go", _seconds(lambda: tidy(kept, tidy_all, now=0))),
        ]
    show(
        f"{SESSIONS:,} sessions of {BOARDS} boards, {total >> 20} MiB and as many lines again",
        ("what", "ms"),
        [(what, f"{1e3 * seconds:.0f}") for what, seconds in rows],
    )


def _keep(folder: Path, number: int) -> None:
    began = BEGAN + timedelta(minutes=number)
    with Recorder(folder, NAMES[number % BOARDS], now=lambda: began) as recorder:
        recorder.feed(
            b"".join(
                b"I (%d) main: reading %d of session %d \n" % (line, line, number)
                for line in range(LINES)
            )
        )


def _search_one(folder: Path) -> None:
    _espdeck(folder, "sessions", "--search", "reading 77 of session 4321 ")


def _espdeck(folder: Path, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "tui.cli.main", "--workspace", str(folder), *words],
        env={**os.environ, "ESPDECK_BOARDS": json.dumps(NAMES)},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _median(do: Callable[[], object]) -> float:
    return median([_seconds(do) for _run in range(RUNS)])


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
