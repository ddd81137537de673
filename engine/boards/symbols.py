"""From an address to function, file and line, by a program's own ELF and DWARF.

The ELF is untrusted: where it cannot be read, nothing is known.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import logging
import os
import re
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.boards.debug_info import DebugInfo, FrameRules, Inlined
from engine.elf import MAX_BYTES, Deadline, open_elf

_log = logging.getLogger(__name__)

_MAX_SYMBOLS = 16 << 20  # bytes of the symbol table that are read; large firmware has 2 MiB
_SHF_ALLOC, _SHF_EXECINSTR = 0x2, 0x4
_RETURN_REGISTER = 1  # ra
_STT_NOTYPE, _STT_FUNC = 0, 2
_SHN_ABS = 0xFFF1

_ROMS = ((0x40000000, 0x40090000), (0x4FC00000, 0x4FC20000), (0x2F800000, 0x2F850000))
"""Where chips have code in ROM (``SOC_IROM_MASK_LOW`` and ``_HIGH`` in ESP-IDF's ``soc.h``)."""

_MAX_ROM_FUNCTION = 0x400
"""Bytes of a function in ROM, whose size nobody gives: what lies further on is another's."""

_MANGLED = ("_Z", "_R", "__Z")
_REFERENCE = re.compile(r"[STB][0-9A-Za-z]{0,8}_")
# Each reference can at most repeat all before it: 32 of them, three at a time, 3^10 times.
_MAX_MANGLED, _MAX_REFERENCES, _MAX_NAME = 1000, 32, 1000
_MAX_SYMBOL = 4096  # bytes of a name as the linker has it, of which templates make long ones

# Elf32_Sym, little endian as every chip of the family: name, value, size, info, other, section.
_SYMBOL = struct.Struct("<IIIBBH")
# Elf64_Sym, of programs for this machine: name, info, other, section, value, size.
_SYMBOL_64 = struct.Struct("<IBBHQQ")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address lies.

    Args:
        address: of an instruction.
        function: its name as the source has it; None where it is not known.
        file, line: of the source; None where they are not known.
        inlined_by: the function that it was compiled into, at the call; None where it stands alone.
        in_rom: whether it is code of the chip's ROM.
    """

    address: int
    function: str | None
    file: str | None
    line: int | None
    inlined_by: Place | None = None
    in_rom: bool = False

    def __str__(self) -> str:
        name = self.function or f"0x{self.address:08x}"
        if self.function and "(" not in name:
            name += "()"
        if self.in_rom:
            name += " in ROM"
        elif self.file:
            name += f" ({self.file}:{self.line})" if self.line else f" ({self.file})"
        return f"{name}, inlined by {self.inlined_by}" if self.inlined_by else name


class Symbols:
    """Functions, lines and code of one program; any thread may ask.

    Args:
        elf: the program.

    Raises:
        Exception: whatever the parser raises for a file that is no ELF; see :func:`load`.
    """

    def __init__(self, elf: Path) -> None:
        self.path = elf
        deadline = Deadline()
        # The file stays open for the debug information, which is read only where it is asked for.
        self._file = open_elf(elf.open("rb"), deadline.check)
        self._lock = threading.RLock()
        if not self._file.little_endian:
            raise ValueError("not a little-endian program")
        self.is_riscv = self._file["e_machine"] == "EM_RISCV"
        self._code = [
            (section["sh_addr"], section.data())
            for section in self._file.iter_sections()
            if section["sh_flags"] & _SHF_ALLOC
            and section["sh_flags"] & _SHF_EXECINSTR
            and section["sh_type"] == "SHT_PROGBITS"
        ]
        strings = self._file.get_section_by_name(".strtab")
        self._strings = bytes(strings.data()) if strings is not None else b""
        functions, in_rom = self._functions()
        self._starts = [start for start, _size, _name in functions]
        self._sizes_and_names = [(size, name) for _start, size, name in functions]
        self._rom_starts = [start for start, _name in in_rom]
        self._rom_names = [name for _start, name in in_rom]
        self._debug = DebugInfo(self._file, deadline)

    def is_code(self, address: int) -> bool:
        """Whether the program has code there."""
        return any(start <= address < start + len(data) for start, data in self._code)

    def is_rom(self, address: int) -> bool:
        """Whether that is code of the ROM of the chip that the program was linked for."""
        return any(
            low <= address < high and bisect.bisect_left(self._rom_starts, low) < found
            for low, high in _ROMS
            if (found := bisect.bisect_left(self._rom_starts, high))
        ) and not self.is_code(address)

    def place(self, address: int, root: Path) -> Place:
        """What lies at an address; a file inside ``root`` is given relative to it.

        Where functions are inlined, it is the innermost, with what it was inlined by.
        """
        if self.is_rom(address):
            return Place(address, self.function(address), None, None, in_rom=True)
        if not self.is_code(address):
            return Place(address, None, None, None)
        inlined: tuple[Inlined, ...] = ()
        file, line = None, None
        try:
            with self._lock:
                file, line = self._debug.line(address)
                inlined = self._debug.inlined(address)
        except Exception as error:
            # Broken debug information raises whatever the parser meets; the symbols are enough.
            _log.debug("0x%08x: %r", address, error)
        places = [(each.name and demangle(each.name), each.file, each.line) for each in inlined]
        # Each function has its own name, and the line at which the one inside it was called.
        names = [name for name, _file, _line in places] + [self.function(address)]
        lines = [(file, line)] + [(each_file, each_line) for _name, each_file, each_line in places]
        found: Place | None = None
        for name, (each_file, each_line) in reversed(list(zip(names, lines, strict=True))):
            found = Place(address, name, relative(each_file, root), each_line, found)
        assert found is not None
        return found

    def function(self, address: int) -> str | None:
        """The function that an address lies in, by the symbol table, as the source names it."""
        start = self.start(address)
        return None if start is None else demangle(self._name(start[1]))

    def start(self, address: int) -> tuple[int, int] | None:
        """Where the function begins that an address lies in, and the offset of its name."""
        if self.is_rom(address):
            index = bisect.bisect_right(self._rom_starts, address) - 1
            begin = self._rom_starts[index] if index >= 0 else -_MAX_ROM_FUNCTION
            near = address - begin < _MAX_ROM_FUNCTION
            return (begin, self._rom_names[index]) if near else None
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        size, name = self._sizes_and_names[index]
        # Functions written in assembler often have no size: they last until the next one.
        inside = not size or address < self._starts[index] + size
        return (self._starts[index], name) if inside else None

    def extent(self, address: int) -> tuple[int, int] | None:
        """First address of the function that an address lies in, and first after it."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0 or self.start(address) is None or self.is_rom(address):
            return None
        begin, (size, _name) = self._starts[index], self._sizes_and_names[index]
        after = self._starts[index + 1 : index + 2]
        return begin, begin + size if size else (after or [begin])[0]

    def frame(self, address: int) -> FrameRules | None:
        """How to find the caller of the code at an address; None where nothing says."""
        try:
            with self._lock:
                return self._debug.frame(address)
        except Exception as error:
            _log.debug("0x%08x: %r", address, error)
            return None

    def source(self, base: str) -> str | None:
        """The one source file of that name that the program was compiled of; None if not one."""
        try:
            with self._lock:
                found = self._debug.sources(base)
        except Exception as error:
            _log.debug("%s: %r", base, error)
            return None
        return found.pop() if len(found) == 1 else None

    @functools.cached_property
    def sha256(self) -> str:
        """SHA-256 of the file, as ESP-IDF prints it of the program that runs.

        Raises:
            OSError: it cannot be read any more.
        """
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

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

    def jumps(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The RISC-V instructions in a range that jump without linking, and where they go.

        JAL and AUIPC with JALR that link no register, and C.J.
        """
        data = self._bytes(begin, end - begin) or b""
        at = begin
        while at + 2 - begin <= len(data):
            code = int.from_bytes(data[at - begin : at - begin + 4], "little")
            is_short = code & 3 != 3
            if is_short and code & 0xE003 == 0xA001:
                yield at, at + _c_jal_offset(code & 0xFFFF)
            elif code & 0xFFF == 0x6F:
                yield at, at + _jal_offset(code)
            elif code & 0x7FFF == 0x67:
                target = self._far_target(at - 4, code)
                if target is not None:
                    yield at, target
            at += 2 if is_short else 4

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

    def _functions(self) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
        """Start, size and offset of the name of every function; start and name of those in ROM.

        Those in ROM are absolute symbols, given to the linker by ESP-IDF's ``*.rom.ld``: without
        type and size. Unpacked by hand: the parser's objects take seconds for the symbols of a
        large firmware.
        """
        functions: list[tuple[int, int, int]] = []
        in_rom: list[tuple[int, int]] = []
        table = self._file.get_section_by_name(".symtab")
        if table is None:
            return functions, in_rom
        symbol = _SYMBOL if self._file.elfclass == 32 else _SYMBOL_64
        data = table.data()
        whole = min(len(data), _MAX_SYMBOLS) // symbol.size * symbol.size
        for entry in symbol.iter_unpack(data[:whole]):
            if symbol is _SYMBOL:
                name, value, size, info, _other, section = entry
            else:
                name, info, _other, section, value, size = entry
            kind = info & 0xF
            if section == _SHN_ABS:
                if kind in (_STT_NOTYPE, _STT_FUNC) and any(
                    low <= value < high for low, high in _ROMS
                ):
                    in_rom.append((value, name))
            elif kind == _STT_FUNC and section:
                functions.append((value, size, name))
        return sorted(functions), sorted(in_rom)

    def _name(self, offset: int) -> str:
        name = self._strings[offset : offset + _MAX_SYMBOL].partition(b"\0")[0]
        return name.decode("utf-8", "replace")


def load(elf: Path) -> Symbols | None:
    """Symbols of a program, kept for the next time; None when it cannot be read."""
    try:
        stat = elf.stat()
        if stat.st_size > MAX_BYTES:
            return None
        return _load(elf, stat.st_mtime_ns, stat.st_size)
    except Exception as error:
        # The parser raises whatever a broken file leads it to.
        _log.debug("%s: %r", elf, error)
        return None


@functools.lru_cache(maxsize=4)
def _load(elf: Path, _mtime: int, _size: int) -> Symbols:
    return Symbols(elf)


@functools.lru_cache(maxsize=4096)
def demangle(name: str) -> str:
    """The name of a function as its source has it, by LLVM's demangler (C++, Rust).

    Args:
        name: as the linker has it. Untrusted: what is long or refers to itself often, and could
            become far longer, stays as it is.
    """
    if not name.startswith(_MANGLED) or len(name) > _MAX_MANGLED:
        return name[:_MAX_NAME]
    if len(_REFERENCE.findall(name)) > _MAX_REFERENCES:
        return name
    import pydemumble

    found: str = pydemumble.demangle(name)
    return found[:_MAX_NAME] or name


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
