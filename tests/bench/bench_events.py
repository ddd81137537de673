"""Four builds at once while 200 readers follow all events, against the same without readers.

Readers are in a process of their own, which gives way to everything else: what is measured is what
they cost the engine and its server. Rounds with and without them take turns.
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
BUILDS = 4
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(
            workspace=Path(name) / "workspace",
            boards=(
                demo.DEMO_BOARD,
                *(f"{demo.DEMO_BOARD}-{2 + each}" for each in range(BUILDS - 1)),
            ),
            max_concurrent_builds=BUILDS,
            server=ServerSettings(port=0),
        )
        with Engine(settings) as engine:
            project = demo.prepare_demo(engine).id
            server = HttpServer(engine)
            server.start()
            token, _ = engine.access.create_token("bench", Scope.READ)
            _build_all(engine, project)
            alone, watched, seconds, notices = [], [], [], 0
            for _ in range(ROUNDS):
                alone.append(_build_all(engine, project))
                readers = _start_readers(server.url, token)
                watched.append(_build_all(engine, project))
                time.sleep(1)  # what is on its way
                found = json.loads(readers.communicate("end\n")[0])
                seconds += found["seconds"]
                notices += found["notices"]
            server.stop()
    seconds.sort()
    rows: list[tuple[object, ...]] = [
        ("without readers", f"{median(alone):.2f}", "1.000"),
        (f"{READERS} readers", f"{median(watched):.2f}", f"{median(watched) / median(alone):.3f}"),
    ]
    show(f"{BUILDS} builds at once, median of {ROUNDS}", ("", "seconds", "ratio"), rows)
    show(
        f"from publication to receipt, {len(seconds)} events, {notices} notices, load {load:.1f}",
        ("", "ms"),
        [
            (f"p{part}", f"{seconds[len(seconds) * part // 100] * 1000:.0f}")
            for part in (50, 90, 99)
        ],
    )


def _start_readers(url: str, token: str) -> subprocess.Popen[str]:
    readers = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.event_readers_child", url, token, str(READERS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert readers.stdout is not None
    assert readers.stdout.readline() == "ready\n"
    return readers


def _build_all(engine: Engine, project: uuid.UUID) -> float:
    started = time.perf_counter()
    numbers = [engine.builds.start(project).number for _ in range(BUILDS)]
    for number in numbers:
        build = engine.builds.wait(number)
        assert build.status is RunStatus.SUCCESS, build.error
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
