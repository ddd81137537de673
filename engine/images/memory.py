"""How much memory a program takes, and of which: from the linker's map, else from its ELF."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.enums import LINUX
from engine.formats.elf import MAX_BYTES, TIMEOUT_SECONDS, open_elf
from engine.images import linker_map
from engine.images.image import MemoryRegion
from engine.processes import bounded
from engine.processes.bounded import UnreadableError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Bus:
    """Addresses at which a bus sees a memory.

    Args:
        name: of the bus.
        start: the first address; ``end`` is the first one after.
        at: which byte of the memory ``start`` is.
    """

    name: str
    start: int
    end: int
    at: int = 0


@dataclass(frozen=True, slots=True)
class _Memory:
    """A memory of a chip; ``size`` in bytes, None for no limit."""

    name: str
    size: int | None
    buses: tuple[_Bus, ...]


def _sram(size: int, *buses: _Bus) -> _Memory:
    """SRAM of ``size`` KiB that an instruction bus and a data bus see at addresses of their own."""
    return _Memory("SRAM", size << 10, buses)


def _memory(name: str, size: int, start: int, *others: int) -> _Memory:
    """A memory of ``size`` KiB; where it starts, for a bus each that counts as the same."""
    size <<= 10
    buses = tuple(_Bus(name, each, each + size) for each in (start, *others))
    return _Memory(name, size, buses)


# Technical reference manuals, "System and Memory", tables of internal memory addresses; the same
# in ESP-IDF as SOC_IRAM_*, SOC_DRAM_*, SOC_DIRAM_* and SOC_RTC_* (components/soc/CHIP/soc.h).
# Names of memories that are no SRAM are those of idf.py size.
_MEMORIES = {
    # SRAM0 192 KB (instructions), SRAM2 200 KB (data), SRAM1 128 KB (both).
    "esp32": (
        _sram(
            520,
            _Bus("IRAM", 0x40070000, 0x400A0000),
            _Bus("IRAM", 0x400A0000, 0x400C0000, 392 << 10),
            _Bus("DRAM", 0x3FFAE000, 0x40000000, 192 << 10),
        ),
        _memory("RTC FAST", 8, 0x3FF80000, 0x400C0000),
        _memory("RTC SLOW", 8, 0x50000000),
    ),
    # SRAM0 32 KB and SRAM1 288 KB, both buses see both.
    "esp32s2": (
        _sram(320, _Bus("IRAM", 0x40020000, 0x40070000), _Bus("DRAM", 0x3FFB0000, 0x40000000)),
        _memory("RTC FAST", 8, 0x3FF9E000, 0x40070000),
        _memory("RTC SLOW", 8, 0x50000000),
    ),
    # SRAM0 32 KB (instructions), SRAM1 416 KB (both), SRAM2 64 KB (data).
    "esp32s3": (
        _sram(
            512,
            _Bus("IRAM", 0x40370000, 0x403E0000),
            _Bus("DRAM", 0x3FC88000, 0x3FD00000, 32 << 10),
        ),
        _memory("RTC FAST", 8, 0x600FE000),
        _memory("RTC SLOW", 8, 0x50000000),
    ),
    # SRAM0 16 KB (instructions), SRAM1 256 KB (both).
    "esp32c2": (
        _sram(
            272,
            _Bus("IRAM", 0x4037C000, 0x403C0000),
            _Bus("DRAM", 0x3FCA0000, 0x3FCE0000, 16 << 10),
        ),
    ),
    # SRAM0 16 KB (instructions), SRAM1 384 KB (both).
    "esp32c3": (
        _sram(
            400,
            _Bus("IRAM", 0x4037C000, 0x403E0000),
            _Bus("DRAM", 0x3FC80000, 0x3FCE0000, 16 << 10),
        ),
        _memory("RTC SLOW", 8, 0x50000000),
    ),
    "esp32c5": (_memory("HP SRAM", 384, 0x40800000), _memory("LP SRAM", 16, 0x50000000)),
    "esp32c6": (_memory("HP SRAM", 512, 0x40800000), _memory("LP SRAM", 16, 0x50000000)),
    "esp32c61": (_memory("SRAM", 320, 0x40800000),),
    "esp32h2": (_memory("SRAM", 320, 0x40800000), _memory("LP SRAM", 4, 0x50000000)),
    "esp32h21": (_memory("SRAM", 320, 0x40800000), _memory("LP SRAM", 4, 0x50000000)),
    "esp32h4": (_memory("SRAM", 384, 0x40800000), _memory("LP SRAM", 16, 0x50000000)),
    "esp32p4": (
        _memory("HP L2MEM", 768, 0x4FF00000),
        _memory("HP core RAM", 8, 0x30100000),
        _memory("LP RAM", 32, 0x50108000),
    ),
    "esp32s31": (_memory("SRAM", 512, 0x2F000000), _memory("LP SRAM", 32, 0x2E000000)),
    # A process of this machine: all of it, wherever.
    LINUX: (_Memory("memory", None, (_Bus("memory", 0, 1 << 64),)),),
}


def memory_at(address: int, target: str) -> str:
    """The memory that an address is in: the bus that sees it there, else flash."""
    memories = _MEMORIES.get(target)
    if memories is None:
        return "program"
    buses = (bus for memory in memories for bus in memory.buses)
    return next((bus.name for bus in buses if bus.start <= address < bus.end), "flash")


def memory_regions(elf: Path, target: str) -> tuple[MemoryRegion, ...]:
    """Memory that a program takes: by the map that lies beside it where there is one.

    Args:
        elf: the linked program. Untrusted: one that cannot be read has no regions.
        target: the target; one whose memory map is not known here has none either.
    """
    for path in linker_map.find_maps(elf):
        found = linker_map.read(path, target, elf)
        if found is not None:
            return tuple(region for region in found.regions if region.used)
    return program_regions(elf, target)


def program_regions(elf: Path, target: str) -> tuple[MemoryRegion, ...]:
    """Memory that a program's loadable segments take: each memory, then by the bus that is used.

    A byte that two segments take counts once, also where two buses see it: ESP-IDF leaves room
    among the data, as large as the code, for memory that the code takes (``.dram0.dummy``).

    Args:
        elf, target: as for :func:`memory_regions`.
    """
    try:
        found = bounded.ask_once(
            elf, __name__, load_range.__name__, most=MAX_BYTES, seconds=TIMEOUT_SECONDS
        )
        segments = list(bounded.rows(found, int, int))
    except (OSError, UnreadableError) as error:
        _log.debug("%s: %s", elf, error)
        return ()
    return tuple(
        region for memory in _MEMORIES.get(target, ()) for region in _regions_of(memory, segments)
    )


def load_range(file: BinaryIO) -> list[tuple[int, int]]:
    """Where a program is loaded: first address, and first after. Runs in a child process."""
    return [
        (segment["p_vaddr"], segment["p_vaddr"] + segment["p_memsz"])
        for segment in open_elf(file).iter_segments()
        if segment["p_type"] == "PT_LOAD" and segment["p_memsz"]
    ]


def _regions_of(memory: _Memory, segments: Iterable[tuple[int, int]]) -> list[MemoryRegion]:
    """The memory, where it is in use; then each of its buses, if it has several."""
    segments = list(segments)
    taken: list[tuple[int, int]] = []
    used: dict[str, int] = {}
    for bus in memory.buses:
        before = _count(taken)
        for start, end in segments:
            start, end = max(start, bus.start), min(end, bus.end)
            if start < end:
                moved = bus.at - bus.start
                taken.append((start + moved, end + moved))
        used[bus.name] = used.get(bus.name, 0) + _count(taken) - before
    total = sum(used.values())
    if not total:
        return []
    whole = MemoryRegion(memory.name, total, memory.size)
    if len(used) == 1:
        return [whole]
    return [whole, *(MemoryRegion(name, size, None) for name, size in used.items())]


def _count(ranges: Iterable[tuple[int, int]]) -> int:
    """Bytes that are in at least one of the ranges."""
    total, end = 0, -1
    for start, stop in sorted(ranges):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total
