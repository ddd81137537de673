"""A million inputs through everything that reads what firmware and compilers print.

Half of them are random bytes, half are pieces of real logs with bytes changed, cut, repeated. Told
are exceptions (there must be none) and the slowest input of each reader.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from engine import text, unity
from engine.boards import bootlog, console
from engine.toolchains import diagnostics
from tests.bench.table import show

INPUTS = 1_000_000
LOGS = Path(__file__).parents[1] / "data" / "idf-logs"
PANIC = (
    b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n"
    b"I (24) boot: ESP-IDF v5.5 2nd stage bootloader\r\nE (312) wifi: no access point\r\n"
    b"Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\r\n"
    b"MEPC    : 0x403802a8  RA      : 0x40380296  SP      : 0x3fcbffe0  GP      : 0x00000000\r\n"
    b"Stack memory:\r\n3fcbffe0: 0x00000000 0x00000000 0x00000003 0x4038021c\r\nRebooting...\r\n"
    b"test/test_math.c:20:test_addition:FAIL: Expected 1 Was 2\r\n3 Tests 1 Failures 0 Ignored\r\n"
)
ESCAPES = (b"\x1b]0;x\x07", b"\x1b[2J", b"\x1bP1q", b"\x9b", b"\xff\xfe", b"\0", b"\r", b"\n", b":")


def main() -> None:
    """Feed and print."""
    chance = random.Random(7)
    samples = [PANIC, *(path.read_bytes() for path in LOGS.glob("*.log"))]
    chosen = console.PrintFilter("wifi:W *:I")
    root = Path("/nowhere")
    readers: dict[str, Callable[[str], object]] = {
        "terminal cleaning": text.clean,
        "console line, print filter": chosen.shows,
        "Unity": unity.parse,
        "boot log": lambda given: bootlog.examine(given, target="esp32c3"),
        "compiler diagnostics": lambda given: diagnostics.parse(given, root=root),
    }
    spent = dict.fromkeys(readers, 0.0)
    slowest = dict.fromkeys(readers, 0.0)
    raised: dict[str, list[str]] = {name: [] for name in readers}
    for number in range(INPUTS):
        data = _noise(chance) if number % 2 else _mutant(chance, samples)
        given = data.decode("utf-8", "replace")
        name, reader = list(readers.items())[number % len(readers)]
        began = time.perf_counter()
        try:
            reader(given)
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
                f"{INPUTS // len(readers):,}",
                f"{1e6 * spent[name] * len(readers) / INPUTS:.0f}",
                f"{1e3 * slowest[name]:.1f}",
                len(raised[name]),
            )
            for name in readers
        ],
    )
    for name, errors in raised.items():
        for error in errors[:3]:
            print(f"  {name}: {error}")


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
