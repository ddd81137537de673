"""From an address to function, file and line, by a program's own ELF and DWARF.

The ELF is untrusted: where it cannot be read, nothing is known.
"""

from __future__ import annotations

import bisect
import functools
import logging
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

_MAX_ELF = 256 << 20
_SHF_ALLOC, _SHF_EXECINSTR = 0x2, 0x4
_RETURN_REGISTER = 1  # ra
_STT_FUNC = 2

# Elf32_Sym, little endian as every chip of the family: name, value, size, info, other, section.
_SYMBOL = struct.Struct("<IIIBBH")
# Elf64_Sym, of programs for this machine: name, info, other, section, value, size.
_SYMBOL_64 = struct.Struct("<IBBHQQ")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address lies; ``function`` and ``line`` are None where they are not known."""

    address: int
    function: str | None
    file: str | None
    line: int | None

    def __str__(self) -> str:
        name = f"{self.function}()" if self.function else f"0x{self.address:08x}"
        return f"{name} ({self.file}:{self.line})" if self.file else name


class Symbols:
    """Functions, lines and code of one program.

    Args:
        elf: the program.

    Raises:
        Exception: whatever the parser raises for a file that is no ELF; see :func:`load`.
    """

    def __init__(self, elf: Path) -> None:
        from elftools.elf.elffile import ELFFile

        # The file stays open for the debug information, which is read only where it is asked for.
        self._file = ELFFile(elf.open("rb"))
        if not self._file.little_endian:
            raise ValueError("not a little-endian program")
        check_plain(self._file)
        self._code = [
            (section["sh_addr"], section.data())
            for section in self._file.iter_sections()
            if section["sh_flags"] & _SHF_ALLOC
            and section["sh_flags"] & _SHF_EXECINSTR
            and section["sh_type"] == "SHT_PROGBITS"
        ]
        strings = self._file.get_section_by_name(".strtab")
        self._strings = bytes(strings.data()) if strings is not None else b""
        found = sorted(self._functions())
        self._starts = [start for start, _size, _name in found]
        self._sizes_and_names = [(size, name) for _start, size, name in found]

    def is_code(self, address: int) -> bool:
        """Whether the program has code there."""
        return any(start <= address < start + len(data) for start, data in self._code)

    def place(self, address: int, root: Path) -> Place:
        """What lies at an address; a file inside ``root`` is given relative to it."""
        if not self.is_code(address):
            return Place(address, None, None, None)
        try:
            file, line = self._line(address)
        except Exception as error:
            # Broken debug information raises whatever the parser meets; the symbols are enough.
            _log.debug("0x%08x: %r", address, error)
            file, line = None, None
        return Place(address, self.function(address), relative(file, root), line)

    def function(self, address: int) -> str | None:
        """The function that an address lies in, by the symbol table."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        size, name = self._sizes_and_names[index]
        # Functions written in assembler often have no size: they last until the next one.
        inside = not size or address < self._starts[index] + size
        return self._name(name) if inside else None

    def call_before(self, address: int) -> tuple[bool, int | None]:
        """Whether the RISC-V instruction before an address is a call, and where it goes.

        RISC-V Instruction Set Manual, volume I: JAL and JALR that link ``ra``, and their compressed
        forms C.JAL (RV32 only) and C.JALR. The target is None where a register holds it that the
        instruction before (AUIPC) did not set.
        """
        word = self._bytes(address - 4, 4)
        if word is not None:
            code = int.from_bytes(word, "little")
            links = (code >> 7) & 31 == _RETURN_REGISTER
            if code & 0x7F == 0x6F and links:
                return True, address - 4 + _jal_offset(code)
            if code & 0x707F == 0x67 and links:
                return True, self._far_target(address - 8, code)
        half = self._bytes(address - 2, 2)
        if half is not None:
            code = int.from_bytes(half, "little")
            if code & 0xE003 == 0x2001:
                return True, address - 2 + _c_jal_offset(code)
            if code & 0xF07F == 0x9002 and code & 0x0F80:
                return True, None
        return False, None

    def _far_target(self, address: int, jalr: int) -> int | None:
        """Where AUIPC and JALR go that share a register: the far call of the assembler."""
        word = self._bytes(address, 4)
        auipc = int.from_bytes(word, "little") if word else 0
        if auipc & 0x7F != 0x17 or (auipc >> 7) & 31 != (jalr >> 15) & 31:
            return None
        return (address + (auipc & 0xFFFFF000) + _signed(jalr >> 20, 12)) & 0xFFFFFFFF

    def _bytes(self, address: int, count: int) -> bytes | None:
        for start, data in self._code:
            if start <= address and address + count <= start + len(data):
                return bytes(data[address - start : address - start + count])
        return None

    def _functions(self) -> Iterator[tuple[int, int, int]]:
        """Start, size and offset of the name of every function.

        Unpacked by hand: the parser's objects take seconds for the symbols of a large firmware.
        """
        table = self._file.get_section_by_name(".symtab")
        if table is None:
            return
        symbol = _SYMBOL if self._file.elfclass == 32 else _SYMBOL_64
        data = table.data()
        whole = len(data) // symbol.size * symbol.size
        for entry in symbol.iter_unpack(data[:whole]):
            if symbol is _SYMBOL:
                name, value, size, info, _other, section = entry
            else:
                name, info, _other, section, value, size = entry
            if info & 0xF == _STT_FUNC and section:
                yield value, size, name

    def _name(self, offset: int) -> str:
        end = self._strings.find(b"\0", offset)
        return self._strings[offset : end if end >= 0 else None].decode("utf-8", "replace")

    @functools.cached_property
    def _units(self) -> list[tuple[Any, list[tuple[int, int]]]]:
        """Compilation units and the addresses that each covers, none where it does not say."""
        if not self._file.has_dwarf_info():
            return []
        self._dwarf = self._file.get_dwarf_info(relocate_dwarf_sections=False)
        return [(unit, list(ranges_of(self._dwarf, unit))) for unit in self._dwarf.iter_CUs()]

    def _line(self, address: int) -> tuple[str | None, int | None]:
        """File and line by the line programs (DWARF 5, 6.2) of the units that may cover it."""
        for unit, ranges in self._units:
            if ranges and not any(low <= address < high for low, high in ranges):
                continue
            program = self._dwarf.line_program_for_CU(unit)
            before = None
            for entry in program.get_entries() if program is not None else ():
                state = entry.state
                if state is None:
                    continue
                if before is not None and before.address <= address < state.address:
                    return _file_of(unit, program, before.file), before.line or None
                before = None if state.end_sequence else state
        return None, None


def check_plain(elf: Any) -> None:
    """See that reading a program takes no more memory than its file has bytes.

    Args:
        elf: as pyelftools gives it.

    Raises:
        ValueError: a section is compressed, or is said to be larger than any file that is read.
    """
    for section in elf.iter_sections():
        if section.compressed or section.name.startswith(".zdebug"):
            raise ValueError(f"{section.name} is compressed")
        if section["sh_size"] > _MAX_ELF:
            raise ValueError(f"{section.name} is too large")


def ranges_of(dwarf: Any, unit: Any) -> Iterator[tuple[int, int]]:
    """Addresses of a compilation unit: first, and first after (DWARF 5, 2.17).

    Args:
        dwarf, unit: as pyelftools gives them.
    """
    from elftools.dwarf.ranges import BaseAddressEntry

    attributes = unit.get_top_DIE().attributes
    low = attributes["DW_AT_low_pc"].value if "DW_AT_low_pc" in attributes else 0
    if "DW_AT_high_pc" in attributes:
        high = attributes["DW_AT_high_pc"]
        is_address = high.form.startswith("DW_FORM_addr")
        yield low, high.value if is_address else low + high.value
    elif "DW_AT_ranges" in attributes:
        lists = dwarf.range_lists()
        offset = attributes["DW_AT_ranges"].value
        for entry in lists.get_range_list_at_offset(offset, unit) if lists else ():
            if isinstance(entry, BaseAddressEntry):
                low = entry.base_address
            else:
                base = 0 if entry.is_absolute else low
                yield base + entry.begin_offset, base + entry.end_offset


def load(elf: Path) -> Symbols | None:
    """Symbols of a program, kept for the next time; None when it cannot be read."""
    try:
        stat = elf.stat()
        if stat.st_size > _MAX_ELF:
            return None
        return _load(elf, stat.st_mtime_ns, stat.st_size)
    except Exception as error:
        # The parser raises whatever a broken file leads it to.
        _log.debug("%s: %r", elf, error)
        return None


@functools.lru_cache(maxsize=4)
def _load(elf: Path, _mtime: int, _size: int) -> Symbols:
    return Symbols(elf)


def _file_of(unit: Any, program: Any, index: int) -> str | None:
    """A file of a line program by its number: from 1 up to DWARF 4, from 0 since DWARF 5."""
    header, version = program.header, program.header.version
    files, folders = header.file_entry, header.include_directory
    number = index if version >= 5 else index - 1
    if not 0 <= number < len(files):
        return None
    entry = files[number]
    at = entry.dir_index if version >= 5 else entry.dir_index - 1
    folder = folders[at] if 0 <= at < len(folders) else b""
    top = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
    parts = (top.value if top is not None else b"", folder, entry.name)
    return os.path.normpath(Path(*(part.decode("utf-8", "replace") for part in parts)))


def relative(file: str | None, root: Path) -> str | None:
    """The name of a file relative to ``root``, where it lies inside."""
    for folder in (str(root), os.path.realpath(root)):
        if file is not None and file.startswith(folder + os.sep):
            return file[len(folder) + 1 :]
    return file


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def _jal_offset(code: int) -> int:
    """imm[20|10:1|11|19:12] of the J-type format."""
    value = (
        (code >> 31 & 1) << 20
        | (code >> 21 & 0x3FF) << 1
        | (code >> 20 & 1) << 11
        | (code >> 12 & 0xFF) << 12
    )
    return _signed(value, 21)


def _c_jal_offset(code: int) -> int:
    """imm[11|4|9:8|10|6|7|3:1|5] of the CJ format, from bit 12 down to bit 2."""
    places = (11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5)
    value = sum((code >> (12 - index) & 1) << place for index, place in enumerate(places))
    return _signed(value, 12)
