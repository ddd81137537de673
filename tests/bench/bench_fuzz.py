"""A million inputs through everything that reads what firmware, compilers and models print.

Half of them are random bytes, half are pieces of real logs and of the cases of ``tests/field`` with
bytes changed, cut, repeated. What is a file as a whole (a program, a map, a partition table) gets a
whole one that is changed as AFL does it.

Each of those has bounds in time and memory (:mod:`tests.bench.fuzz_files`). Told are exceptions and
inputs without an end (there must be none), those that were given up, and the slowest.

The variable ``INPUTS`` says how many, if not a million; ``READERS`` is a part of the names of those
readers that are fed, ``SEED`` the chance's; ``SEEDS`` names a folder with further programs
(``*.elf``), maps (``*.map``) and tables (``*.bin``); files that fail are kept in ``FAILED``.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.style import Style

from engine import text
from engine.boards.disconnections import Absences
from engine.boards.identity import parse_identity
from engine.errors import ToolError
from engine.monitor import bootlog, coredump, interruptions, log_lines, panic
from engine.monitor.binary_log import BinaryLog
from engine.monitor.crash_watcher import CrashWatcher
from engine.monitor.line_splitter import LineCutter, RowCutter, StateCutter
from engine.monitor.plot import Plot
from engine.quality import coverage_reports
from engine.repair.edits import AnswerEdits
from engine.source import symbols
from engine.source.editable_tree import EditableTree
from engine.testing import unity
from engine.toolchains.diagnostics import parser
from tests.bench import fuzz_files
from tests.bench.table import show
from tests.firmware import build_firmware
from tests.mutations import mutated
from tui.presentation.strips import row
from tui.widgets.chart import Canvas

INPUTS = int(os.environ.get("INPUTS", "1000000"))
READERS = os.environ.get("READERS", "")
SEED = int(os.environ.get("SEED", "7"))
SEEDS = os.environ.get("SEEDS")
FAILED = Path(os.environ.get("FAILED", "fuzz-failed"))
LOGS = Path(__file__).parents[1] / "data" / "idf-logs"
FIELD = Path(__file__).parents[1] / "field"
MAX_SAMPLE = 64 << 10
TARGET = "esp32c3"
PANIC = (
    b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n"
    b"I (24) boot: ESP-IDF v5.5 2nd stage bootloader\r\nE (312) wifi: no access point\r\n"
    b"Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\r\n"
    b"MEPC    : 0x403802a8  RA      : 0x40380296  SP      : 0x3fcbffe0  GP      : 0x00000000\r\n"
    b"Stack memory:\r\n3fcbffe0: 0x00000000 0x00000000 0x00000003 0x4038021c\r\nRebooting...\r\n"
    b"test/test_math.c:20:test_addition:FAIL: Expected 1 Was 2\r\n3 Tests 1 Failures 0 Ignored\r\n"
)
DUMP = (
    b"Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\r\n"
    b"Backtrace: 0x400d1234:0x3ffb0000 0x403802a8:0x3ffb0020 |<-CORRUPTED\r\n"
    b"================= CORE DUMP START =================\r\nmAwAAAIBBQAAAAAAAAAAAA==\r\n"
    b"AQAAANQDAAAw7Mg/MOzIP1QBAABUAQAABgAAAAAAAAA=\r\n"
    b"================= CORE DUMP END =================\r\nRebooting...\r\n"
    b"rst:0xf (BROWNOUT_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\ntemp=21.5 heap=0x3fc8 free\r\n"
    b"Crashed task handle: 0x3fc8e8d0, name: 'sensor', GDB name: 'process 1'\r\n"
    b"mcause         0x5\t(Load access fault)\r\n==== CURRENT THREAD STACK ====\r\n"
    b"#0  0x42008a1e in read_sensor (address=0x0) at /src/main/sensor.c:31\r\n"
)
ANSWER = (
    b"The driver is closed.\n\nmain/main.c\n```c\n<<<<<<< SEARCH\n    uint32_t total = 0;\n"
    b"=======\n    uint32_t total = 1;\n>>>>>>> REPLACE\n```\n`main/new.h`\n<<<<<<< SEARCH\n"
    b"=======\n#pragma once\n>>>>>>> REPLACE\n../out.c\n<<<<<<< SEARCH\n=======\nx\n"
    b">>>>>>> REPLACE\n"
)
HEADER = (
    b'#ifdef __cplusplus\nextern "C" {\n#endif\n/** A ring. */\nstruct ring { int head; };\n'
    b"typedef void (*handler_t)(int event);\nextern const char version[]; // which\n"
    b"int ring_push(struct ring *ring, int value) __attribute__((unused));\n"
    b"static inline int size(void) { if (1) { return 1; } }\n#define TWICE(x) \\\n  ((x) * 2)\n}\n"
)
ESCAPES = (b"\x1b]0;x\x07", b"\x1b[2J", b"\x1bP1q", b"\x9b", b"\xff\xfe", b"\0", b"\r", b"\n", b":")


def main() -> None:
    """Feed and print."""
    with tempfile.TemporaryDirectory() as folder:
        program = build_firmware("crash", Path(folder)).elf
        _feed(
            program, EditableTree(Path(folder) / "source", frozenset({"main/main.c"})), Path(folder)
        )


def _feed(program: Path, tree: EditableTree, folder: Path) -> None:
    chance = random.Random(SEED)
    samples = [
        PANIC,
        DUMP,
        ANSWER,
        HEADER,
        *fuzz_files.REPORTS,
        *fuzz_files.COVERAGE,
        *(path.read_bytes() for path in LOGS.glob("*.log")),
        *_of_the_field("*"),
    ]
    chosen = log_lines.LineSelection("wifi:W *:I", highlight="[0-9]+|E", mute="^D")
    plot = Plot(r"temp=(\S+)|0x([0-9a-f]+)")
    incidents = CrashWatcher(
        program=program,
        root=Path("/"),
        on_finding=lambda finding: None,
        on_note=lambda note: None,
    )
    root = Path("/nowhere")
    readers: dict[str, Callable[[str], object]] = {
        "terminal cleaning": text.clean,
        "filter, mute, marks": lambda given: (chosen.shows(given), chosen.marks(given)),
        "bytes in hexadecimal": lambda given: list(log_lines.hex_rows(given.encode(), 7)),
        "a row of the screen": lambda given: _row(given),
        "plot and chart": lambda given: _draw(plot, given),
        "incidents as they come": lambda given: incidents.feed(given.encode()),
        "panic decoding": lambda given: panic.decode(given, program, root),
        "core dump report": lambda given: coredump.read_report(given, root),
        "Unity": lambda given: unity.parse(given, interruptions.interruption),
        "binary log, lines": lambda given: _cut(given.encode(), program),
        "a board that vanished": _absent,
        "what esptool says": parse_identity,
        "boot log": lambda given: bootlog.examine(given, target="esp32c3"),
        "compiler diagnostics": lambda given: parser.parse(given, root=root),
        "a model's answer": lambda given: AnswerEdits().read(given, tree),
        "symbols of sources": lambda given: _symbols(given),
        "coverage reports": lambda given: _coverage(given),
    }
    files = fuzz_files.readers(
        program, Path(os.environ["SEEDS"]) if "SEEDS" in os.environ else None
    )
    whole = {name: reader.seeds() for name, reader in files.items() if READERS in name}
    names = [*(name for name in readers if READERS in name), *whole]
    told = {name: _Told() for name in names}
    for number in range(INPUTS):
        name = names[number % len(names)]
        read: Callable[[], object]
        if name in readers:
            data = _noise(chance) if chance.randrange(2) else _mutant(chance, samples)
            read = functools.partial(readers[name], data.decode("utf-8", "replace"))
        else:
            data = mutated(chance, whole[name])
            path = fuzz_files.path_of(name, folder)
            path.write_bytes(data)
            read = functools.partial(files[name].read, path)
        told[name].feed(name, read, data)
    show(
        f"{INPUTS:,} inputs, random and mutated",
        ("reader", "inputs", "µs each", "slowest ms", "given up", "exceptions"),
        [(name, *each.row()) for name, each in told.items()],
    )
    for name, each in told.items():
        for error in each.raised[:3]:
            print(f"  {name}: {error}")


@dataclass
class _Told:
    """What became of the inputs of a reader."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    given_up: int = 0
    raised: list[str] = field(default_factory=list)

    def feed(self, name: str, read: Callable[[], object], data: bytes) -> None:
        began = time.perf_counter()
        try:
            self.given_up += read() is True
        except Exception as problem:
            self.raised.append(repr(problem))
            FAILED.mkdir(exist_ok=True)
            (FAILED / f"{name.replace(' ', '-')}-{len(self.raised)}").write_bytes(data)
        seconds = time.perf_counter() - began
        self.inputs += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)

    def row(self) -> tuple[object, ...]:
        each = 1e6 * self.seconds / max(1, self.inputs)
        return (
            *(f"{self.inputs:,}", f"{each:.0f}", f"{1e3 * self.slowest:.1f}"),
            *(self.given_up, len(self.raised)),
        )


def _row(given: str) -> None:
    shown = row(given, Style.null(), 80, cut="~").text
    if any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 for sign in shown):
        raise ValueError(shown)


def _draw(plot: Plot, given: str) -> None:
    plot.feed(given)
    canvas = Canvas(70, 8, ascii=False)
    for number, series in enumerate(plot.series):
        points = list(series.points)[-canvas.columns :]
        if points:
            canvas.draw(number, points, min(points), max(points))
    canvas.rows()


def _symbols(given: str) -> None:
    symbols.of_header(given)
    with contextlib.suppress(ValueError):  # no Python
        symbols.of_module(given)


def _coverage(given: str) -> None:
    with contextlib.suppress(ToolError):  # no report
        coverage_reports.of_sources(coverage_reports.parse(given.encode(), "x"), ["src/ring.c"])


def _of_the_field(pattern: str, folder: Path = FIELD / "cases") -> list[bytes]:
    """Inputs of cases; not empty ones, nor the few that are large."""
    return [
        path.read_bytes()
        for path in sorted(folder.rglob(pattern))
        if path.is_file() and path.suffix != ".yaml" and 0 < path.stat().st_size <= MAX_SAMPLE
    ]


def _cut(given: bytes, program: Path) -> None:
    log = BinaryLog(program)
    for cutter in (LineCutter(), StateCutter(), RowCutter()):
        for at in range(0, len(given), 37):
            cutter.feed(log.feed(given[at : at + 37]))
        cutter.flush()


def _absent(given: str) -> None:
    absences = Absences()
    absences.returned(1.0)
    absences.feed(given.encode())
    for line in given.splitlines():
        absences.interruption(line)
    absences.findings(failed=True)


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(300))


def _mutant(chance: random.Random, samples: list[bytes]) -> bytes:
    sample = chance.choice(samples)
    at = chance.randrange(len(sample))
    data = bytearray(sample[at : at + chance.randrange(600)])
    for _ in range(chance.randrange(6)):
        where = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[where:where] = chance.choice(ESCAPES)
            case 1:
                data[where : where + 1] = chance.randbytes(1)
            case 2:
                del data[where : where + chance.randrange(20)]
            case _:
                data[where:where] = data[where : where + 40] * chance.randrange(4)
    return bytes(data)
