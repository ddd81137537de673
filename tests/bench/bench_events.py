"""Four builds at once while 200 readers follow all events, against the same without readers.

All but a few readers are in a process that gives way to everything else, so that what is measured
is what they cost the engine and its server, not what their own work takes from two cores. The few
others say when events arrive. Rounds with and without readers take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from engine import Engine, Settings
from engine.enums import RunStatus, Scope
from engine.samples import demo
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings
from tests.bench.table import median, show

READERS = 200
PROMPT_READERS = 10
"""Of these, those that do not give way."""

BUILDS = 4
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    others = [f"{demo.DEMO_BOARD}-{number}" for number in range(2, BUILDS + 1)]
    alone, watched, notices = [], [], 0
    seconds: list[list[float]] = [[], []]
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(
            workspace=Path(name) / "workspace",
            boards=(demo.DEMO_BOARD, *others),
            max_concurrent_builds=BUILDS,
            server=ServerSettings(port=0),
        )
        with Engine(settings) as engine:
            project = demo.prepare_demo(engine).id
            server = HttpServer(engine)
            server.start()
            token, _ = engine.access.create_token("bench", Scope.READ)
            _build_all(engine, project)
            for _ in range(ROUNDS):
                alone.append(_build_all(engine, project))
                readers = [
                    _start_readers(server.url, token, count=PROMPT_READERS, niceness=0),
                    _start_readers(server.url, token, count=READERS - PROMPT_READERS, niceness=19),
                ]
                watched.append(_build_all(engine, project))
                time.sleep(1)  # what is on its way
                for each, all_seconds in zip(readers, seconds, strict=True):
                    found = json.loads(each.communicate("end\n")[0])
                    all_seconds += found["seconds"]
                    notices += found["notices"]
            server.stop()
    rows = [
        (
            name,
            f"{median([each[0] for each in took]):.2f}",
            f"{median([each[0] for each in took]) / median([each[0] for each in alone]):.3f}",
            f"{median([each[1] for each in took]):.2f}",
        )
        for name, took in (("without readers", alone), (f"{READERS} readers", watched))
    ]
    show(
        f"{BUILDS} builds at once, median of {ROUNDS}",
        ("", "seconds", "ratio", "CPU seconds of the engine and its server"),
        rows,
    )
    show(
        f"from publication to receipt, {notices} notices, load {os.getloadavg()[0]:.1f}",
        ("", "events", "p50 ms", "p90 ms", "p99 ms"),
        [
            (f"{PROMPT_READERS} prompt readers", *_figures(seconds[0])),
            (f"{READERS - PROMPT_READERS} that give way", *_figures(seconds[1])),
        ],
    )


def _figures(seconds: list[float]) -> tuple[str, ...]:
    seconds.sort()
    parts = (seconds[len(seconds) * part // 100] for part in (50, 90, 99))
    return (str(len(seconds)), *(f"{part * 1000:.0f}" for part in parts))


def _start_readers(url: str, token: str, *, count: int, niceness: int) -> subprocess.Popen[str]:
    readers = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.bench.event_readers_child"),
            *(url, token, str(count), str(niceness)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert readers.stdout is not None
    assert readers.stdout.readline() == "ready\n"
    return readers


def _build_all(engine: Engine, project: uuid.UUID) -> tuple[float, float]:
    """Seconds that the builds took, and seconds of CPU that this process did."""
    started, used = time.perf_counter(), time.process_time()
    numbers = [engine.builds.start(project).number for _ in range(BUILDS)]
    for number in numbers:
        build = engine.builds.wait(number)
        assert build.status is RunStatus.SUCCESS, build.error
    return time.perf_counter() - started, time.process_time() - used


if __name__ == "__main__":
    main()
