"""People attach to a daemon and detach 100 times while the firmware of a build floods its console.

Clients of the engine, and each tenth time the app in a terminal: each sees the log grow and leaves.
The stored log must have every line, the daemon's memory must stay, and the build must not be held
up: its seconds are compared with those of a build that nobody looks at, on the same machine, whose
processors the clients use, too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from engine import Engine, Settings, samples
from engine.daemon_start import start_daemon, stop_daemon
from engine.enums import RunStatus
from engine.events import Event, Serial
from engine.processes.memory import resident_bytes
from engine.store.logs import LogKey
from tests.bench.table import show
from tests.engine.git_repos import commit
from tests.tui.test_hostile import Terminal

ATTACHMENTS = 100
LINES = 300_000
"""Numbered lines of 80 bytes, printed as fast as they are read."""

APP_EVERY = 10
_SEES_WITHIN = 60.0
_PAGE = 5000

PLUGIN = """
import sys
from engine.process import run

FLOOD = '''
import sys
for number in range(@LINES@):
    sys.stdout.write(f"{number:08d} {'flood ' * 12}\\\\n"[:79].rstrip() + "\\\\n")
print("ready after the flood")
'''

class Flooding:
    name = "a-flooding-one"
    bare = True
    targets = frozenset({"esp32c3"})

    def missing(self):
        return None

    def run(self, image, *, seconds, on_output, until, cancel, console_input, options):
        run([sys.executable, "-c", FLOOD], timeout=600, cancel=cancel, on_output=on_output)
"""


@dataclass(slots=True)
class Flood:
    """One build and who looked at it."""

    seconds: float
    attached: int
    memory: int
    lines: int


def main() -> None:
    """Measure and print; exit code 1 when a line is missing."""
    parser = argparse.ArgumentParser("python -m tests.bench attach", description=__doc__)
    parser.add_argument("--times", type=int, default=ATTACHMENTS, help="[%(default)s]")
    parser.add_argument("--lines", type=int, default=LINES, help="of a flood [%(default)s]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="attach-") as name:
        folder = Path(name)
        _install(folder, given.lines)
        workspace = folder / "ws"
        pid = start_daemon(workspace)
        try:
            with Engine(Settings(workspace=workspace, boards=())) as engine:
                project = engine.projects.find_or_add(str(folder / "fw"))
                floods = [_flood(engine, project.id, workspace, pid, 0) for _ in range(2)]
                left = given.times
                while left > 0:
                    floods.append(_flood(engine, project.id, workspace, pid, left))
                    left -= floods[-1].attached
        finally:
            stop_daemon(workspace)
    alone = floods[1].seconds
    rows = [
        (
            f"build {number}" + (" (warms up)" if number == 1 else ""),
            flood.attached,
            f"{flood.seconds:.1f}",
            f"{flood.seconds / alone:.2f}",
            f"{flood.memory >> 20}",
            given.lines - flood.lines,
        )
        for number, flood in enumerate(floods, start=1)
    ]
    head = ("", "attached", "seconds", "ratio", "daemon MB", "lines lost")
    show(f"{given.times} attach and detach during floods of {given.lines} lines", head, rows)
    if any(flood.lines != given.lines for flood in floods):
        sys.exit(1)


def _install(folder: Path, lines: int) -> None:
    """A simulator that floods, a project, and settings of their own; for this process as well."""
    info = folder / "plugin" / "flooding-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: flooding\nVersion: 1\n")
    points = "[espdeck.simulators]\na-flooding-one = flooding_sim:Flooding\n"
    (info / "entry_points.txt").write_text(points)
    (folder / "plugin" / "flooding_sim.py").write_text(PLUGIN.replace("@LINES@", str(lines)))
    settings = folder / "config.toml"
    settings.touch(mode=0o600)
    os.environ |= {"PYTHONPATH": str(folder / "plugin"), "ESPDECK_CONFIG": str(settings)}
    sys.path.insert(0, str(folder / "plugin"))
    samples.write("hello", folder / "fw")
    (folder / "fw" / "espdeck.toml").write_text('expect = ["ready after the flood"]\n')
    commit(folder / "fw", {})


def _flood(engine: Engine, project: uuid.UUID, workspace: Path, pid: int, most: int) -> Flood:
    """Build, with people who come and go meanwhile, at most so many; what the log then has."""
    began = time.perf_counter()
    number = engine.builds.start(project, simulator="a-flooding-one").number
    attached = 0
    while not engine.builds.get(number).status.is_final:
        if attached == most:
            engine.builds.wait(number, 600)
        elif _looks(workspace, number, in_app=attached % APP_EVERY == APP_EVERY - 1):
            attached += 1
    seconds = time.perf_counter() - began
    done = engine.builds.get(number)
    assert done.status is RunStatus.SUCCESS, done.error
    key = LogKey(number, "test.simulator", 1, "serial")
    count = engine.builds.line_count(key)
    lines = 0
    for first in range(0, count, _PAGE):
        for place, line in enumerate(engine.builds.lines(key, first, _PAGE), start=first):
            lines += line.startswith(f"{place:08d} flood")
    return Flood(seconds, attached, resident_bytes(pid), lines)


def _looks(workspace: Path, number: int, *, in_app: bool) -> bool:
    """Somebody comes, sees the log grow, and goes; False where the build ended before."""
    if in_app:
        terminal = Terminal(workspace, 40, 120)
        try:
            terminal.sees(f"#{number}", timeout=_SEES_WITHIN)
            terminal.keys("l\r")
            return terminal.sees("flood flood", "✓ success", timeout=_SEES_WITHIN) != "✓ success"
        finally:
            terminal.close()
    grown = threading.Event()
    seen: list[int] = []

    def see(event: Event) -> None:
        if isinstance(event, Serial) and event.run_id == number:
            seen.append(event.first_line)
            if len(seen) > 1 and seen[-1] > seen[0]:
                grown.set()

    with Engine(Settings(workspace=workspace, boards=())) as client:
        client.events.subscribe(see)
        until = time.monotonic() + _SEES_WITHIN
        while not grown.wait(0.05):
            if client.builds.get(number).status.is_final:
                return False
            assert time.monotonic() < until, "the log does not grow"
    return True


if __name__ == "__main__":
    main()
