"""The app at rest: what each screen costs of a core while nobody does anything.

An app for each screen, each in a terminal and a workspace of its own, rests for the same minute
as a bare Textual app. Processor time comes from Linux, by thread
(``/proc/PID/task/*/schedstat``), and how often threads were woken.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.bench.bench_screen import BARE, Terminal
from tests.bench.table import show
from tests.engine.overview.big import CHECKS
from tests.tui import workspaces
from tests.tui.task_workspaces import fill_tasks

SECONDS = 60.0
SETTLE_SECONDS = 10.0
"""How long an app has been there before it is measured: it looks for news more often at first."""

KEY_SECONDS = 3.0
"""Between two keys: a screen is there by then, also where many apps start at once."""

LIMIT_PERCENT = 1.0
BOARD = "virtual:esp32c3"
_STYLES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")

SCREENS: Mapping[str, tuple[str, str]] = {
    "home": ("", "builds of sensor-hub"),
    "build": ("l\r", "PROJECT_MANAGER"),
    "sizes": ("l\rs", "hub.map|component"),
    "fix": ("l\rd", "int repaired"),
    "task": ("w\t\r", "as it came"),
    "workflows": ("w", "tasks"),
    "boards": ("B", BOARD),
    "monitor": ("B\r", "VIRTUAL|kept in|pause"),
    "checks": ("C", "board_check"),
    "settings": (",", "other key"),
    "notifications": ("n", "0 unread"),
    "metrics": ("m", "success rate"),
    "audit": ("L", "audit log"),
    "help": ("?", "on this screen"),
}
"""The keys that lead to a screen from home, and what is seen there."""


class Resting:
    """A program in a terminal, of which nothing is asked any more."""

    def __init__(self, *words: str, keys: str = "", first: str, seen: str) -> None:
        self.terminal = Terminal(*words, rows=36, columns=120)
        self._text = b""
        try:
            self._wait(first)
            for key in keys:
                os.write(self.terminal.fd, key.encode())
                self.read(KEY_SECONDS)
            self._wait(seen)
        except BaseException:
            self.terminal.close()
            raise

    def read(self, seconds: float) -> None:
        """Take what it paints, for some seconds: a full terminal would stop it."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._text += self.terminal.read(left)

    def _wait(self, seen: str) -> None:
        until = time.monotonic() + 60
        while not re.search(seen.encode(), _STYLES.sub(b"", self._text)):
            if time.monotonic() > until:
                raise SystemExit(f"{seen!r} was not painted: {self._text[-2000:]!r}")
            self.read(0.2)

    def spent(self) -> tuple[dict[str, float], int]:
        """Seconds on a core by thread, and how often they were woken."""
        seconds: dict[str, float] = {}
        wakes = 0
        for task in Path(f"/proc/{self.terminal.process.pid}/task").iterdir():
            busy, _, turns = (task / "schedstat").read_text().split()
            seconds[task.name] = int(busy) / 1e9
            wakes += int(turns)
        return seconds, wakes

    def names(self) -> dict[str, str]:
        """Threads by name, where py-spy is there and may look."""
        spy = shutil.which("py-spy")
        if spy is None:
            return {}
        argv = [spy, "dump", "--pid", str(self.terminal.process.pid)]
        told = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
        return dict(re.findall(r'^Thread (\d+) \(.*?\): "([^"]*)"', told, re.M))


def main() -> None:
    """Measure and print; fails when a screen takes more than the limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("screens", nargs="*", default=[])
    given = parser.parse_args()
    chosen = given.screens or list(SCREENS)
    # In a workspace that is new each check of each project is due: the app would not be at rest.
    off = {check: {"enabled": False} for check in (*CHECKS, "board_check", "schedule_check")}
    os.environ |= {"ESPDECK_BOARDS": f'["{BOARD}"]', "ESPDECK_CHECKS": json.dumps(off)}
    with ExitStack() as stack:
        resting: dict[str, Resting] = {}

        def start(name: str, *words: str, keys: str = "", first: str, seen: str) -> None:
            each = resting[name] = Resting(*words, keys=keys, first=first, seen=seen)
            stack.callback(each.terminal.close)

        start("bare Textual app (baseline)", "-c", BARE, first="painted", seen="")
        for name in chosen:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            keys, seen = SCREENS[name]
            words = ("-m", "tui.cli.main", "--workspace", str(_workspace(folder)))
            start(name, *words, keys=keys, first="runs here", seen=seen)
        time.sleep(SETTLE_SECONDS)
        rows = _measure(resting, given.seconds)
    show(
        f"at rest for {given.seconds:.0f} s (baseline: a bare Textual app)",
        ("screen", "% of a core", "ratio", "wakes/s", "MB", "threads that take most, %"),
        [row for row, _ in rows],
    )
    if over := [row[0] for row, percent in rows if percent > LIMIT_PERCENT]:
        raise SystemExit(f"over {LIMIT_PERCENT} % of a core: {', '.join(over)}")


def _measure(resting: Mapping[str, Resting], seconds: float) -> list[tuple[tuple[str, ...], float]]:
    for each in resting.values():
        each.read(0.01)
    before = {name: each.spent() for name, each in resting.items()}
    time.sleep(seconds)
    after = {name: each.spent() for name, each in resting.items()}
    rows: list[tuple[tuple[str, ...], float]] = []
    base = 0.0
    for name, each in resting.items():
        (began, woken), (ended, wakes) = before[name], after[name]
        busy = {
            thread: 100 * (ended[thread] - began.get(thread, 0.0)) / seconds for thread in ended
        }
        percent = sum(busy.values(), 0.0)
        base = base or percent
        names = each.names()
        most = sorted(busy, key=busy.__getitem__, reverse=True)[:9]
        rows.append(
            (
                (
                    name,
                    f"{percent:.2f}",
                    f"{percent / base:.1f}",
                    f"{(wakes - woken) / seconds:.1f}",
                    f"{each.terminal.megabytes():.0f}",
                    "  ".join(
                        f"{names.get(thread, thread)[:24]} {busy[thread]:.2f}" for thread in most
                    ),
                ),
                percent,
            )
        )
    return rows


def _workspace(folder: Path) -> Path:
    workspaces.fill(folder)
    workspaces.keep_maps(folder)
    workspaces.keep_fix(folder, 3, str)
    fill_tasks(folder)
    return folder


if __name__ == "__main__":
    main()
