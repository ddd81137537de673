"""The monitor against pyserial's miniterm on the same stream: speed, CPU, loss.

A pseudo terminal is the board's port; the board sends as fast as it is read, or at the pace of a
UART at 3 Mbaud (300,000 bytes a second with start and stop bits). The time counts from the moment
at which more was read than the terminal buffers.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tty
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.table import show

LINE = b"I (%08d) main: reading %08d of a sensor that has a lot to say, as sensors do\n"
NUMBER = re.compile(rb"I \((\d{8})\)")
MEGABYTES = 8
UART_BYTES = 300_000
SECONDS = 4

WATCH_MANY = """
import sys, threading
from pathlib import Path
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.store.database import Store
folder = Path(sys.argv[1])
boards = Boards((), folder, Store(folder / "espdeck.db"))
token = CancelToken()
def watch(port):
    try:
        boards.watch(port, baud=3_000_000, reset=False, on_output=lambda data: None,
                     on_note=lambda note: None, cancel=token)
    except EspdeckError:
        pass
threads = [threading.Thread(target=watch, args=(port,), daemon=True) for port in sys.argv[2:]]
for thread in threads: thread.start()
sys.stdin.read()
"""


@dataclass
class Board:
    """A board that says so many lines, at full speed or at a UART's."""

    lines: int
    paced: bool

    def __post_init__(self) -> None:
        self.end, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        self.began = 0.0
        self.sent = threading.Event()
        threading.Thread(target=self._talk, daemon=True).start()

    def _talk(self) -> None:
        for first in range(0, self.lines, 400):
            numbers = range(first, min(first + 400, self.lines))
            chunk = b"".join(LINE % (number, number) for number in numbers)
            if self.paced and self.began:
                due = self.began + first * len(LINE % (0, 0)) / UART_BYTES
                time.sleep(max(0.0, due - time.monotonic()))
            while chunk:
                chunk = chunk[os.write(self.end, chunk) :]
            self.began = self.began or time.monotonic()
        self.sent.set()


def main() -> None:
    """Measure and print."""
    length = len(LINE % (0, 0))
    fast, paced = (MEGABYTES << 20) // length, SECONDS * UART_BYTES // length
    rows = []
    for name, lines, is_paced in (
        ("as fast as it is read", fast, False),
        ("3 Mbaud", paced, True),
    ):
        for program in ("miniterm", "espdeck monitor"):
            rows.append((f"{program}, {name}", *_one(program, Board(lines, is_paced))))
    rows.append(("espdeck, 8 boards at 3 Mbaud", *_many([Board(paced, True) for _ in range(8)])))
    base = {name.partition(", ")[2]: cpu for name, _rate, cpu, _loss in rows if "mini" in name}
    show(
        "one stream of log lines (baseline: pyserial's miniterm)",
        ("reader", "MB/s", "CPU s/MB", "ratio", "lines lost"),
        [
            (
                name,
                f"{rate:.2f}",
                f"{cpu:.3f}",
                f"{cpu / base.get(name.partition(', ')[2], base['3 Mbaud']):.2f}",
                loss,
            )
            for name, rate, cpu, loss in rows
        ],
    )


def _one(program: str, board: Board) -> tuple[float, float, int]:
    """MB/s, CPU seconds for each MB, lines lost."""
    with tempfile.TemporaryDirectory() as folder:
        words = (
            ["-m", "serial.tools.miniterm", "--raw", "--quiet", board.port, "115200"]
            if program == "miniterm"
            else ["-m", "tui.cli", "--workspace", folder, "monitor", board.port, "--no-reset"]
        )
        keyboard, typed = pty.openpty()  # miniterm wants a terminal to read keys from
        process = subprocess.Popen(
            [sys.executable, *words], stdin=typed, stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout is not None
        started = _cpu_when(board, process)
        last = LINE % (board.lines - 1, board.lines - 1)
        seen = bytearray()
        while last.rstrip() not in seen[-4096:]:
            seen += os.read(process.stdout.fileno(), 1 << 20)
        seconds = time.monotonic() - board.began
        cpu = _cpu(process) - started
        process.kill()
        process.wait()
        os.close(keyboard)
        os.close(typed)
    megabytes = board.lines * len(last) / (1 << 20)
    return megabytes / seconds, cpu / megabytes, _lost(bytes(seen))


def _many(boards: list[Board]) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as name:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCH_MANY, name, *(board.port for board in boards)],
            stdin=subprocess.PIPE,
        )
        started = _cpu_when(boards[-1], process)
        total = sum(board.lines for board in boards) * len(LINE % (0, 0))
        for board in boards:
            board.sent.wait()
        last = LINE % (boards[0].lines - 1, boards[0].lines - 1)
        kept = _kept(Path(name))
        while not all(raw.endswith(last) for raw in kept):
            time.sleep(0.01)
            kept = _kept(Path(name))
        seconds = time.monotonic() - boards[0].began
        cpu = _cpu(process) - started
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()
    megabytes = total / (1 << 20)
    return megabytes / seconds, cpu / megabytes, sum(map(_lost, kept))


def _kept(folder: Path) -> list[bytes]:
    return [raw.read_bytes() for raw in (folder / "sessions").glob("*.raw")]


def _lost(seen: bytes) -> int:
    """Lines missing after the first: what came before the port was opened is nobody's."""
    numbers = [int(each) for each in NUMBER.findall(seen)]
    return numbers[-1] - numbers[0] + 1 - len(numbers)


def _cpu_when(board: Board, process: subprocess.Popen[bytes]) -> float:
    """CPU seconds that the program had used when the board began to talk."""
    while not board.began:
        time.sleep(0.001)
    return _cpu(process)


def _cpu(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)
