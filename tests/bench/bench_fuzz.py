"""A million inputs through everything that reads what firmware, compilers and models print.

Half of them are random bytes, half are pieces of real logs and of the cases of ``tests/field`` with
bytes changed, cut, repeated. What is a file as a whole (a program, a map, a partition table) gets a
whole one with bytes changed. Told are exceptions (there must be none) and the slowest input of each
reader.

The variable ``INPUTS`` says how many, if not a million.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.style import Style

from engine import text, unity
from engine.boards import bootlog, console, coredump, panic, suites
from engine.boards.absences import Absences
from engine.boards.binary_log import BinaryLog
from engine.boards.identity import parse_identity
from engine.boards.incidents import Incidents
from engine.boards.lines import LineCutter, RowCutter, StateCutter
from engine.boards.plot import Plot
from engine.boards.symbols import load
from engine.errors import ToolError, UsageError
from engine.quality import coverage_reports, symbols
from engine.repair.edits import Tree, edits_of
from engine.sizes import from_elf, from_map
from engine.toolchains import (
    boot_choice,
    diagnostics,
    efuses,
    flash_layout,
    memory,
    partition_checks,
    partition_csv,
)
from engine.toolchains.idf import read_image
from tests.bench.table import show
from tests.firmware import build_firmware
from tui.widgets.chart import Canvas
from tui.widgets.lines import row

INPUTS = int(os.environ.get("INPUTS", "1000000"))
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
REPORTS = (
    b"TN:\nSF:/src/ring.c\nFN:2,ring_push\nDA:2,3\nDA:3,0\nDA:6,3,checksum\nend_of_record\n",
    b'<?xml version="1.0" ?><coverage><sources><source>/src</source></sources><packages><package>'
    b'<classes><class filename="ring.c"><lines><line number="2" hits="3"/></lines></class>'
    b"</classes></package></packages></coverage>",
    b'{"files": {"src/ring.py": {"executed_lines": [2, 3], "missing_lines": [4]}}}',
    b'<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="2">'
    b'<testcase classname="t" name="test_a" time="0.01" file="pytest_a.py" line="3">'
    b'<failure message="AssertionError">x</failure></testcase><testcase name="b" line="7" '
    b'is_unity_case="1" group="g"/></testsuite></testsuites>',
)
DUMP_OF_A_PROGRAM = "\n".join(
    (
        "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.",
        "MEPC    : 0x42000040  RA      : 0x42000080  SP      : 0x3fc90000  S0/FP   : 0x3fc90020",
        "MTVAL   : 0x00000000  A0      : 0x42000100",
        *(
            f"{0x3FC90000 + 32 * row:08x}: "
            + " ".join(f"0x{0x42000000 + (row * 8 + word) * 6:08x}" for word in range(8))
            for row in range(16)
        ),
        "Rebooting...",
    )
)
ESCAPES = (b"\x1b]0;x\x07", b"\x1b[2J", b"\x1bP1q", b"\x9b", b"\xff\xfe", b"\0", b"\r", b"\n", b":")


def main() -> None:
    """Feed and print."""
    with tempfile.TemporaryDirectory() as folder:
        program = build_firmware("crash", Path(folder)).elf
        _feed(program, Tree(Path(folder) / "source", frozenset({"main/main.c"})), Path(folder))


def _feed(program: Path, tree: Tree, folder: Path) -> None:
    chance = random.Random(7)
    samples = [
        PANIC,
        DUMP,
        ANSWER,
        HEADER,
        *REPORTS,
        *(path.read_bytes() for path in LOGS.glob("*.log")),
        *_of_the_field("*"),
    ]
    programs = [program.read_bytes(), *_of_the_field("*.elf", FIELD / "programs")]
    maps, tables = _of_the_field("*.map"), _of_the_field("*", FIELD / "cases" / "partitions")
    arguments = _of_the_field("*.json", FIELD / "cases" / "flasher_args")
    options = _of_the_field("*", FIELD / "cases" / "efuses")
    chosen = console.Selection("wifi:W *:I", highlight="[0-9]+|E", mute="^D")
    plot = Plot(r"temp=(\S+)|0x([0-9a-f]+)")
    incidents = Incidents(
        program=program,
        root=Path("/"),
        on_finding=lambda finding: None,
        on_note=lambda note: None,
    )
    root = Path("/nowhere")
    files = {
        "a program's symbols": (programs, functools.partial(_program, folder)),
        "sizes of a program": (programs, functools.partial(_sizes, folder)),
        "a linker's map": (maps, functools.partial(_map, folder)),
        "a partition table": (tables, functools.partial(_table, folder)),
        "flasher_args.json": (arguments, functools.partial(_image, folder)),
        "sdkconfig": (options, functools.partial(_options, folder)),
        "a report of pytest": (REPORTS, functools.partial(_report, folder)),
    }
    readers: dict[str, Callable[[str], object]] = {
        "terminal cleaning": text.clean,
        "filter, mute, marks": lambda given: (chosen.shows(given), chosen.marks(given)),
        "bytes in hexadecimal": lambda given: list(console.hex_rows(given.encode(), 7)),
        "a row of the screen": lambda given: _row(given),
        "plot and chart": lambda given: _draw(plot, given),
        "incidents as they come": lambda given: incidents.feed(given.encode()),
        "panic decoding": lambda given: panic.decode(given, program, root),
        "core dump report": lambda given: coredump.read_report(given, root),
        "Unity": lambda given: unity.parse(given, bootlog.interruption),
        "binary log, lines": lambda given: _cut(given.encode(), program),
        "a board that vanished": _absent,
        "what esptool says": parse_identity,
        "boot log": lambda given: bootlog.examine(given, target="esp32c3"),
        "compiler diagnostics": lambda given: diagnostics.parse(given, root=root),
        "a model's answer": lambda given: edits_of(given, tree),
        "symbols of sources": lambda given: _symbols(given),
        "coverage reports": lambda given: _coverage(given),
    }
    names = [*readers, *files]
    spent = dict.fromkeys(names, 0.0)
    slowest = dict.fromkeys(names, 0.0)
    raised: dict[str, list[str]] = {name: [] for name in names}
    for number in range(INPUTS):
        name = names[number % len(names)]
        read: Callable[[], object]
        if name in readers:
            data = _noise(chance) if chance.randrange(2) else _mutant(chance, samples)
            read = functools.partial(readers[name], data.decode("utf-8", "replace"))
        else:
            whole, reader = files[name]
            read = functools.partial(reader, _changed(chance, chance.choice(whole)))
        began = time.perf_counter()
        try:
            read()
        except Exception as problem:
            raised[name].append(repr(problem))
        seconds = time.perf_counter() - began
        spent[name] += seconds
        slowest[name] = max(slowest[name], seconds)
    show(
        f"{INPUTS:,} inputs, random and mutated",
        ("reader", "inputs", "µs each", "slowest ms", "exceptions"),
        [
            (
                name,
                f"{INPUTS // len(names):,}",
                f"{1e6 * spent[name] * len(names) / INPUTS:.0f}",
                f"{1e3 * slowest[name]:.1f}",
                len(raised[name]),
            )
            for name in names
        ],
    )
    for name, errors in raised.items():
        for error in errors[:3]:
            print(f"  {name}: {error}")


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


def _written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def _program(folder: Path, data: bytes) -> None:
    path = _written(folder, "changed.elf", data)
    panic.decode(DUMP_OF_A_PROGRAM, path, Path("/w"))
    found = load(path)
    if found is not None:
        for address in range(0x42000000, 0x42000200, 36):
            str(found.place(address, Path("/w")))
            found.frame(address)
    BinaryLog(path).feed(bytes.fromhex("0108110000090000000900000001360000"))


def _sizes(folder: Path, data: bytes) -> None:
    path = _written(folder, "changed.elf", data)
    from_elf.read(path, TARGET)
    memory.program_regions(path, TARGET)


def _map(folder: Path, data: bytes) -> None:
    from_map.read(_written(folder, "changed.map", data), TARGET)


def _table(folder: Path, data: bytes) -> None:
    layout = flash_layout.Layout(flash_size=4 << 20)
    with contextlib.suppress(ToolError, UsageError):  # it is refused
        found = partition_csv.read_file(_written(folder, "table", data), layout)
        partition_checks.problems(found, layout)
        boot_choice.default_app(found)
        boot_choice.selected_app(found, data)


def _image(folder: Path, data: bytes) -> None:
    build = folder / "build"
    _written(build, "flasher_args.json", data)
    _written(build, "node.elf", b"\x7fELF")
    _written(build, "project_description.json", b'{"target": "esp32", "app_elf": "node.elf"}')
    with contextlib.suppress(ToolError):  # it makes no sense
        read_image(build, "esp32")


def _options(folder: Path, data: bytes) -> None:
    build = folder / "options"
    build.mkdir(exist_ok=True)
    _written(build, "sdkconfig", data)
    efuses.security_of(build)
    flash_layout.layout_of(build)
    _written(build / "config", "sdkconfig.json", data)
    with contextlib.suppress(ToolError):  # it makes no sense
        efuses.security_of(build)
    (build / "config" / "sdkconfig.json").unlink()


def _report(folder: Path, data: bytes) -> None:
    with contextlib.suppress(ToolError):  # it makes no sense
        suites.read_report(_written(folder, "report.xml", data))


def _changed(chance: random.Random, whole: bytes) -> bytes:
    """A file with some bytes changed, or cut short."""
    data = bytearray(whole)
    for _ in range(chance.randrange(1, 12)):
        if data:
            where = chance.randrange(min(len(data), 256) if chance.randrange(3) == 0 else len(data))
            size = chance.choice((1, 1, 2, 4))
            data[where : where + size] = chance.choice(
                (chance.randbytes(size), b"\xff" * size, b"\0" * size)
            )
    return bytes(data[: chance.randrange(len(data))] if chance.randrange(8) == 0 and data else data)


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
