"""The screen: how soon it is there, and how soon it answers while six panes are flooded.

A real terminal's other end is held here: keys are written to it, and what the app paints is read
from it. ``action`` is the time from a key's byte to what the key does; ``paint`` the time until the
bytes that show it have come back.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import random
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import psutil

from tests.bench.table import median, show

STARTS = 7
KEYS = 150
CLOSE_SECONDS = 10.0
RATES = (0, 1_000, 10_000, 50_000)

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("painted")
Bare().run()
"""
PAINTED = """
import pathlib, sys
from engine.settings import Settings
from tui.app import EspdeckApp
class Painted(EspdeckApp):
    def _open(self):
        pass
Painted(Settings.load(workspace=pathlib.Path(sys.argv[1]))).run()
"""
MARK = re.compile(rb"mark-(\d+)-")


class Terminal:
    """A terminal with a program in it."""

    def __init__(self, *words: str, rows: int = 60, columns: int = 200) -> None:
        self.fd, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *words],
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(child)
        self.bytes = 0

    def read(self, timeout: float) -> bytes:
        """What comes within some seconds; empty when nothing does."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        with contextlib.suppress(OSError):  # Linux says EIO when the program is gone
            chunk = os.read(self.fd, 1 << 18)
            self.bytes += len(chunk)
            return chunk
        return b""

    def until(self, text: bytes, timeout: float = 30.0) -> float:
        """Seconds since the start until a text was painted."""
        seen = b""
        while text not in seen:
            if time.monotonic() - self.began > timeout:
                raise SystemExit(f"{text!r} was never painted; last: {seen[-400:]!r}")
            seen = seen[-200:] + self.read(1.0)
        return time.monotonic() - self.began

    def megabytes(self) -> float:
        """Resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / (1 << 20)

    def close(self) -> None:
        """End the program, and what it started, also that which has left its session."""
        started = _children(self.process.pid)
        self.process.terminate()
        until = time.monotonic() + CLOSE_SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            self.read(0.1)  # a full terminal would hold it
        self.process.kill()
        for each in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()
        os.close(self.fd)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def main() -> None:
    """Measure and print."""
    _starts()
    rows = []
    for rate in RATES:
        rows.append(_flood(rate, busy=0))
    rows.append(_flood(10_000, busy=2))
    baseline = rows[0][1]
    show(
        f"six panes at 200x60, {KEYS} keys, ms (baseline: the app without a flood)",
        (
            "lines/s",
            "action p50",
            "p99",
            "paint p50",
            "p99",
            "ratio of p99",
            "KiB/s written",
            "MB",
            "MB after",
        ),
        [
            (
                name,
                *(f"{value:.1f}" for value in values[:4]),
                f"{values[3] / baseline[3]:.1f}",
                *(f"{value:.0f}" for value in values[4:]),
            )
            for name, values in rows
        ],
    )


def _starts() -> None:
    times: dict[str, list[float]] = {"bare": [], "espdeck": []}
    memory: dict[str, list[float]] = {"bare": [], "espdeck": []}
    for _ in range(STARTS):
        for kind, program, text in (("bare", BARE, b"painted"), ("espdeck", PAINTED, b"quit")):
            with tempfile.TemporaryDirectory() as workspace:
                terminal = Terminal("-c", program, workspace)
                times[kind].append(terminal.until(text))
                while terminal.read(0.3):
                    pass
                memory[kind].append(terminal.megabytes())
                terminal.close()
    bare = median(times["bare"])
    show(
        f"from the start of Python to the full first paint, median of {STARTS} "
        "(memory: idle, before the engine is loaded)",
        ("program", "seconds", "ratio", "MB"),
        [
            (name, f"{median(times[kind]):.2f}", f"{median(times[kind]) / bare:.2f}",
             f"{median(memory[kind]):.0f}")
            for name, kind in (("bare Textual app (baseline)", "bare"), ("espdeck", "espdeck"))
        ],
    )  # fmt: skip


def _flood(rate: int, *, busy: int) -> tuple[str, list[float]]:
    """Press keys at uneven moments; action and paint p50 and p99 in ms, KiB/s, MB."""
    pace = random.Random(1)  # the same moments each time
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = folder / "report.json"
        terminal = Terminal(
            "-m", "tests.bench.screen_child", "--workspace", name, "--report", str(report),
            "--rate", str(rate), "--busy", str(busy),
        )  # fmt: skip
        terminal.until(b"ARTIFACTS")
        settled = time.monotonic() + 2.0
        while (left := settled - time.monotonic()) > 0:
            terminal.read(left)
        before = terminal.megabytes()
        terminal.bytes, began = 0, time.monotonic()
        pressed: list[float] = []
        painted: dict[int, float] = {}
        tail, due = b"", time.monotonic()
        while len(painted) < KEYS and time.monotonic() - began < 120:
            now = time.monotonic()
            if now >= due and len(pressed) < KEYS and len(painted) == len(pressed):
                os.write(terminal.fd, b"m")
                pressed.append(time.monotonic())
                due = now + 0.05 + 0.1 * pace.random()
            chunk = terminal.read(max(0.0, min(0.05, due - time.monotonic())))
            tail = tail[-20:] + chunk
            for match in MARK.finditer(tail):
                painted.setdefault(int(match[1]), time.monotonic())
        seconds = time.monotonic() - began
        after = terminal.megabytes()
        written = terminal.bytes / 1024 / seconds
        os.write(terminal.fd, b"\x03")
        while not report.exists() and terminal.process.poll() is None:
            terminal.read(0.1)
        terminal.process.wait(10)
        acted = json.loads(report.read_text())
    actions = [1000 * (acted[n] - pressed[n]) for n in range(len(pressed)) if n < len(acted)]
    paints = [1000 * (painted[n + 1] - pressed[n]) for n in range(KEYS) if n + 1 in painted]
    name = f"{rate:,}" + (f", {busy} busy threads" if busy else "")
    return name, [*_percentiles(actions), *_percentiles(paints), written, before, after]


def _percentiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]
