"""The monitor against miniterm and esp-idf-monitor on the same stream: speed, CPU, loss.

A pseudo terminal is the board's port; the board sends as fast as it is read, or at the pace of a
UART: a tenth of its baud rate in bytes a second, with start and stop bits. The time counts from the
moment at which more was read than the terminal buffers. At last: how long after its last line a
panic is a finding, decoded by an ELF of the lab.

esp-idf-monitor is measured where it is installed (``pip install esp-idf-monitor``).
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
from importlib.util import find_spec
from pathlib import Path

import psutil

from engine.cancel import CancelToken
from engine.monitor.crash_watcher import CrashWatcher
from engine.simulators.labwired import LabWired
from tests.bench.table import median, show
from tests.firmware import build_firmware

LINE = b"I (%08d) main: reading %08d of a sensor that has a lot to say, as sensors do\n"
NUMBER = re.compile(rb"I \((\d{8})\)")
MEGABYTES = 8
BAUDS = (115_200, 921_600, 3_000_000)
SECONDS = 4
PANICS = 20

WITHOUT_LINES = """
import errno, fcntl, runpy
ioctl = fcntl.ioctl
def without_lines(*arguments):  # a pseudo terminal has no RTS, which esp-idf-monitor insists on
    try:
        return ioctl(*arguments)
    except OSError as error:
        if error.errno != errno.ENOTTY:
            raise
        return 0
fcntl.ioctl = without_lines
runpy.run_module("esp_idf_monitor", run_name="__main__", alter_sys=True)
"""

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
    """A board that says so many lines, as fast as they are read or at a UART's speed."""

    lines: int
    baud: int | None = None

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
            if self.baud and self.began:
                due = self.began + first * len(LINE % (0, 0)) * 10 / self.baud
                time.sleep(max(0.0, due - time.monotonic()))
            while chunk:
                chunk = chunk[os.write(self.end, chunk) :]
            self.began = self.began or time.monotonic()
        self.sent.set()


def main() -> None:
    """Measure and print."""
    length = len(LINE % (0, 0))
    programs = ["miniterm", "espdeck monitor"]
    if find_spec("esp_idf_monitor"):
        programs.insert(1, "esp-idf-monitor")
    else:
        print("esp-idf-monitor: not installed, not measured (pip install esp-idf-monitor)")
    fast = (MEGABYTES << 20) // length
    rows = [(f"{name}, no pace", *_one(name, Board(fast))) for name in programs]
    for baud in BAUDS:
        lines = SECONDS * baud // 10 // length
        if baud == max(BAUDS):
            rows += [(f"{name}, {baud} baud", *_one(name, Board(lines, baud))) for name in programs]
        for count in (1, 8):
            boards = [Board(lines, baud) for _ in range(count)]
            rows.append((f"espdeck sessions, {count} x {baud} baud", *_many(boards)))
    show(
        "log lines of 80 bytes (baselines: pyserial's miniterm, esp-idf-monitor)",
        ("reader", "MB/s", "lines/s", "CPU s/MB", "lines lost"),
        [
            (name, f"{rate:.2f}", f"{rate * (1 << 20) / length:,.0f}", f"{cpu:.3f}", loss)
            for name, rate, cpu, loss in rows
        ],
    )
    _measure_panics()


def _measure_panics() -> None:
    with tempfile.TemporaryDirectory() as folder:
        image = build_firmware("crash", Path(folder))
        printed = bytearray()
        LabWired().run(
            image,
            seconds=5,
            on_output=printed.extend,
            until=lambda _seconds: b"Rebooting" in printed,
            cancel=CancelToken(),
        )
        spent = [_until_found(image.elf, bytes(printed), number) for number in range(PANICS)]
    show(
        "from the last line of a panic to its finding",
        ("panic", "ms"),
        [
            ("the first, debug information not yet read", f"{1e3 * spent[0]:.1f}"),
            (f"median of the next {PANICS - 1}", f"{1e3 * median(spent[1:]):.1f}"),
        ],
    )


def _until_found(elf: Path, printed: bytes, number: int) -> float:
    found = threading.Event()
    incidents = CrashWatcher(
        program=elf,
        root=Path("/"),
        on_finding=lambda finding: found.set(),
        on_note=lambda note: None,
    )
    head, end, _ = printed.partition(b"Rebooting")
    incidents.feed(head)
    began = time.perf_counter()
    incidents.feed(end + b"...\r\n")
    if not found.wait(20):
        raise SystemExit(f"panic {number} was not found")
    seconds = time.perf_counter() - began
    incidents.close()
    return seconds


def _one(program: str, board: Board) -> tuple[float, float, int]:
    """MB/s, CPU seconds for each MB, lines lost."""
    with tempfile.TemporaryDirectory() as folder:
        words = {
            "miniterm": ["-m", "serial.tools.miniterm", "--raw", "--quiet", board.port, "115200"],
            "esp-idf-monitor": [
                *("-c", WITHOUT_LINES, "--port", board.port, "--no-reset"),
                *("--decode-panic", "disable", "--decode-coredumps", "disable"),
            ],
            "espdeck monitor": [
                *("-m", "tui.cli.main", "--workspace", folder, "monitor", board.port, "--no-reset"),
            ],
        }[program]
        keyboard, typed = pty.openpty()  # miniterm wants a terminal to read keys from
        process = subprocess.Popen(
            [sys.executable, *words], stdin=typed, stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout is not None
        started = _cpu_when(board, process)
        last = LINE % (board.lines - 1, board.lines - 1)
        seen = bytearray()
        while last.rstrip() not in seen[-4096:]:
            piece = os.read(process.stdout.fileno(), 1 << 20)
            if not piece:
                raise SystemExit(f"{program} ended before the last line")
            seen += piece
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
        if process.poll() is not None:
            raise SystemExit("the reader ended before it read anything")
        time.sleep(0.001)
    return _cpu(process)


def _cpu(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)
