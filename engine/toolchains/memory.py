"""How much memory a program takes, of a chip's internal memory where it has one, from its ELF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.image import MemoryRegion
from engine.words import LINUX


@dataclass(frozen=True, slots=True)
class _Bus:
    """Addresses at which a bus sees internal SRAM; ``end`` is the first one after."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Sram:
    size: int | None
    buses: tuple[_Bus, ...]
    name: str = "SRAM"


_SRAM = {
    # ESP32-C3 TRM, "System and Memory", table "Internal Memory Address Mapping": SRAM0 16 KB
    # (instruction bus only) and SRAM1 384 KB, which both buses see: they share the 400 KB.
    "esp32c3": _Sram(
        400 << 10,
        (_Bus("IRAM", 0x4037C000, 0x403E0000), _Bus("DRAM", 0x3FC80000, 0x3FCE0000)),
    ),
    # ESP32-C6 TRM, "System and Memory", table "Internal Memory Address Mapping": HP SRAM.
    "esp32c6": _Sram(512 << 10, (_Bus("HP SRAM", 0x40800000, 0x40880000),)),
    # A process of this machine: all of it, wherever.
    LINUX: _Sram(None, (_Bus("memory", 0, 1 << 64),), "memory"),
}


def memory_of(address: int, target: str) -> str:
    """The memory that an address is in: the bus that sees internal SRAM there, else flash."""
    sram = _SRAM.get(target)
    if sram is None:
        return "program"
    return next((bus.name for bus in sram.buses if bus.start <= address < bus.end), "flash")


def memory_regions(elf: Path, target: str) -> tuple[MemoryRegion, ...]:
    """Memory that a program's loadable segments take: the whole, then by bus. Of a chip: its SRAM.

    Args:
        elf: the linked program. Untrusted: one that cannot be read has no regions.
        target: the target; one whose memory map is not known here has none either.
    """
    from elftools.elf.elffile import ELFFile

    sram = _SRAM.get(target)
    if sram is None:
        return ()
    used = {bus.name: 0 for bus in sram.buses}
    try:
        with elf.open("rb") as stream:
            for segment in ELFFile(stream).iter_segments():
                for bus in sram.buses:
                    if segment["p_type"] == "PT_LOAD" and bus.start <= segment["p_vaddr"] < bus.end:
                        used[bus.name] += segment["p_memsz"]
    except Exception:
        # The parser raises whatever a broken file leads it to.
        return ()
    whole = MemoryRegion(sram.name, sum(used.values()), sram.size)
    if len(sram.buses) == 1:
        return (whole,)
    return (whole, *(MemoryRegion(name, size, None) for name, size in used.items()))
