"""Sizes from the program itself, by its symbols and DWARF: for linkers that write no map.

Which source file bytes come from is told by, in this order: the addresses of its compilation
unit, its variables and string literals (clang describes both), and the file symbols of the symbol
table. What none of them tells is a row of its own, so that the rows add up to the program.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engine.formats.elf import MAX_BYTES, TIMEOUT_SECONDS, open_elf
from engine.images.image import MemoryRegion
from engine.images.memory import memory_at, program_regions
from engine.monitor.debug_info import ranges_of
from engine.processes import bounded
from engine.processes.bounded import UnreadableError
from engine.sizes.tables import UNKNOWN, Piece, Sizes

_log = logging.getLogger(__name__)

MAX_DEBUG_BYTES = 8 << 20
"""Bytes of debug information up to which variables are looked for: a second for each 2 MiB."""

_ALLOC = 0x2
_OP_ADDR = 0x03  # DW_OP_addr (DWARF 5, 7.7.1)
_ADDRESS = 4


@dataclass(frozen=True, slots=True)
class _AddressRange:
    """Addresses that come from a file; ``end`` is the first one after."""

    start: int
    end: int
    file: str


@dataclass(frozen=True, slots=True)
class _Unit:
    """A source file with the addresses of its code and of its variables."""

    file: str
    code: tuple[tuple[int, int], ...]
    variables: frozenset[int]


def read(elf: Path, target: str) -> Sizes | None:
    """Sizes from a program.

    Args:
        elf: the linked program. Untrusted: one that cannot be read has no sizes.
        target: the chip.
    """
    try:
        found = bounded.ask_once(
            elf, __name__, "pieces", target, most=MAX_BYTES, seconds=TIMEOUT_SECONDS
        )
        pieces = tuple(
            Piece(memory, UNKNOWN, file, size)
            for memory, file, size in bounded.rows(found, str, str, int)
        )
    except (OSError, UnreadableError) as error:
        _log.debug("%s: %s", elf, error)
        return None
    return Sizes(program_regions(elf, target) or _sums(pieces), pieces)


def pieces(file: BinaryIO, target: str) -> list[tuple[str, str, int]]:
    """What a program has from where: memory, file and bytes. Runs in a child process."""
    elf = open_elf(file)
    units = list(_units(elf))
    sections = [
        section
        for section in elf.iter_sections()
        if section["sh_flags"] & _ALLOC and section["sh_size"]
    ]
    claims = sorted(_claims(elf, units, sections), key=lambda claim: claim.start)
    found: dict[tuple[str, str], int] = {}
    for section in sections:
        memory = memory_at(section["sh_addr"], target)
        for source, size in _owners(section, claims):
            found[memory, source] = found.get((memory, source), 0) + size
    return [(memory, source, size) for (memory, source), size in found.items()]


def _owners(section: Any, claims: list[_AddressRange]) -> Iterator[tuple[str, int]]:
    """Files and bytes of a section; claims by where they start, the first one wins."""
    at, end = section["sh_addr"], section["sh_addr"] + section["sh_size"]
    rest = section["sh_size"]
    for claim in claims:
        start, stop = max(claim.start, at), min(claim.end, end)
        if start < stop:
            yield claim.file, stop - start
            rest -= stop - start
            at = stop
    if rest:
        yield f"(rest of {section.name})", rest


def _claims(elf: Any, units: list[_Unit], sections: list[Any]) -> Iterator[_AddressRange]:
    for unit in units:
        for start, end in unit.code:
            yield _AddressRange(start, end, unit.file)
    by_variable = {address: unit.file for unit in units for address in unit.variables}
    named: set[int] = set()
    for start, size, file in _symbols(elf, units):
        owner = by_variable.get(start, file)
        if owner:
            named.add(start)
            yield _AddressRange(start, start + size, owner)
    for section in sections:
        first, size = section["sh_addr"], section["sh_size"]
        if section["sh_type"] == "SHT_NOBITS":
            continue
        data = section.data()
        for address, file in by_variable.items():
            if first <= address < first + size and address not in named:
                # A string literal has no symbol, and so no size: it goes up to its end.
                end = data.find(b"\0", address - first)
                yield _AddressRange(address, first + (end + 1 if end >= 0 else size), file)


def _symbols(elf: Any, units: list[_Unit]) -> Iterator[tuple[int, int, str]]:
    """Address, size and file of functions and objects; the file is empty where not known."""
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return
    whole: dict[str, str] = {}
    for unit in units:
        # A file symbol has the name alone, which two folders may share.
        name = posixpath.basename(unit.file)
        whole[name] = "" if name in whole else unit.file
    file = ""
    for symbol in table.iter_symbols():
        kind = symbol["st_info"]["type"]
        if kind == "STT_FILE":
            file = whole.get(symbol.name) or symbol.name
        elif kind in ("STT_FUNC", "STT_OBJECT") and symbol["st_size"]:
            local = symbol["st_info"]["bind"] == "STB_LOCAL"
            yield symbol["st_value"], symbol["st_size"], file if local else ""


def _units(elf: Any) -> Iterator[_Unit]:
    if not elf.has_dwarf_info():
        return
    dwarf = elf.get_dwarf_info(relocate_dwarf_sections=False)
    deep = dwarf.debug_info_sec.size <= MAX_DEBUG_BYTES
    for unit in dwarf.iter_CUs():
        top = unit.get_top_DIE()
        parts = [
            top.attributes[name].value.decode("utf-8", "replace")
            for name in ("DW_AT_comp_dir", "DW_AT_name")
            if name in top.attributes
        ]
        yield _Unit(
            file=posixpath.normpath(posixpath.join(*parts)) if parts else "(unnamed)",
            code=tuple(ranges_of(dwarf, unit)),
            variables=frozenset(_variables(top)) if deep else frozenset(),
        )


def _variables(top: Any) -> Iterator[int]:
    """Addresses of what is defined at the top of a unit, string literals among them."""
    for entry in top.iter_children():
        if entry.tag == "DW_TAG_variable" and "DW_AT_location" in entry.attributes:
            where = entry.attributes["DW_AT_location"].value
            if isinstance(where, list) and len(where) > _ADDRESS and where[0] == _OP_ADDR:
                yield int.from_bytes(bytes(where[1 : 1 + _ADDRESS]), "little")


def _sums(pieces: tuple[Piece, ...]) -> tuple[MemoryRegion, ...]:
    used: dict[str, int] = {}
    for piece in pieces:
        used[piece.memory] = used.get(piece.memory, 0) + piece.size
    return tuple(MemoryRegion(name, size, None) for name, size in used.items())
