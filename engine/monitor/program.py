"""Functions, lines and code of a program, by its ELF and DWARF: in a child process alone.

:class:`engine.monitor.symbols.Symbols` asks for them through
:class:`engine.processes.bounded.Reader`.
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from engine.formats.elf import open_elf
from engine.monitor.debug_info import DebugInfo, FrameRules, Inlined
from engine.processes.bounded import MEMORY, TIME

_MAX_SYMBOL_TABLE_BYTES = (
    16 << 20
)  # bytes of the symbol table that are read; large firmware has 2 MiB
_SHF_ALLOC, _SHF_EXECINSTR = 0x2, 0x4
_RETURN_REGISTER = 1  # ra
_STT_NOTYPE, _STT_FUNC = 0, 2
_SHN_ABS = 0xFFF1

_ROMS = ((0x40000000, 0x40090000), (0x4FC00000, 0x4FC20000), (0x2F800000, 0x2F850000))
"""Where chips have code in ROM (``SOC_IROM_MASK_LOW`` and ``_HIGH`` in ESP-IDF's ``soc.h``)."""

_MAX_ROM_FUNCTION_BYTES = 0x400
"""Bytes of a function in ROM, whose size nobody gives: what lies further on is another's."""

_MANGLED = ("_Z", "_R", "__Z")
_REFERENCE = re.compile(r"[STB][0-9A-Za-z]{0,8}_")
# Each reference can at most repeat all before it: 32 of them, three at a time, 3^10 times.
_MAX_MANGLED, _MAX_REFERENCES, _MAX_NAME = 1000, 32, 1000
_MAX_SYMBOL_BYTES = 4096  # bytes of a name as the linker has it, of which templates make long ones

# Elf32_Sym, little endian as every chip of the family: name, value, size, info, other, section.
_SYMBOL = struct.Struct("<IIIBBH")
# Elf64_Sym, of programs for this machine: name, info, other, section, value, size.
_SYMBOL_64 = struct.Struct("<IBBHQQ")


class Program:
    """What is read of a program.

    Args:
        file: the program. Untrusted.

    Raises:
        Exception: whatever the parser raises for a file that is no ELF.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = open_elf(file)
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
        self.roms = [(low, high) for low, high in _ROMS if self._has_rom(low, high)]
        """Where the chip that it was linked for has code in ROM: first address, and first after."""

        self._debug: DebugInfo | None = DebugInfo(self._file)
        self.problem: str | None = None
        """Why its debug information is not read any more, None where it is."""

    @property
    def code(self) -> list[tuple[int, int]]:
        """Where it has code: first address, and first after."""
        return [(start, start + len(data)) for start, data in self._code]

    def is_code(self, address: int) -> bool:
        """Whether the program has code there."""
        return any(start <= address < start + len(data) for start, data in self._code)

    def is_rom(self, address: int) -> bool:
        """Whether that is code of the ROM of the chip that the program was linked for."""
        in_rom = any(low <= address < high for low, high in self.roms)
        return in_rom and not self.is_code(address)

    def place(self, address: int) -> list[tuple[str | None, str | None, int | None]]:
        """Function, file and line of the code at an address, of those inlined there first."""
        line: tuple[str | None, int | None] = (None, None)
        inlined: tuple[Inlined, ...] = ()
        with self._reading() as debug:
            line = debug.line(address)
            inlined = debug.inlined(address)
        # Each function has its own name, and the line at which the one inside it was called.
        names = [each.name and demangle(each.name) for each in inlined] + [self.function(address)]
        lines = [line] + [(each.file, each.line) for each in inlined]
        return [(name, *at) for name, at in zip(names, lines, strict=True)]

    def function(self, address: int) -> str | None:
        """The function that an address lies in, by the symbol table, as the source names it."""
        start = self.start(address)
        return None if start is None else demangle(self._name(start[1]))

    def start(self, address: int) -> tuple[int, int] | None:
        """Where the function begins that an address lies in, and the offset of its name."""
        if self.is_rom(address):
            index = bisect.bisect_right(self._rom_starts, address) - 1
            begin = self._rom_starts[index] if index >= 0 else -_MAX_ROM_FUNCTION_BYTES
            near = address - begin < _MAX_ROM_FUNCTION_BYTES
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
        with self._reading() as debug:
            return debug.frame(address)
        return None

    def source(self, base: str) -> str | None:
        """The one source file of that name that the program was compiled of; None if not one."""
        found: set[str] = set()
        with self._reading() as debug:
            found = debug.sources(base)
        return found.pop() if len(found) == 1 else None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[DebugInfo]:
        """The debug information; what reading it raises ends the block, no more."""
        with contextlib.suppress(Exception):  # broken information raises whatever the parser meets
            if self._debug is None:
                raise ValueError("given up")
            try:
                yield self._debug
            except (TimeoutError, MemoryError) as error:
                self.problem = TIME if isinstance(error, TimeoutError) else MEMORY
                self._debug = None  # and with it what it holds
                raise

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
        whole = min(len(data), _MAX_SYMBOL_TABLE_BYTES) // symbol.size * symbol.size
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

    def _has_rom(self, low: int, high: int) -> bool:
        found = bisect.bisect_left(self._rom_starts, low)
        return self._rom_starts[found : found + 1] < [high] and found < len(self._rom_starts)

    def _name(self, offset: int) -> str:
        name = self._strings[offset : offset + _MAX_SYMBOL_BYTES].partition(b"\0")[0]
        return name.decode("utf-8", "replace")


@functools.lru_cache(maxsize=1)
def _program(file: BinaryIO) -> Program:
    return Program(file)


def describe(file: BinaryIO) -> Any:
    """Whether it is for RISC-V; where it has code, and the chip's ROM: first and first after."""
    program = _program(file)
    return program.is_riscv, program.code, program.roms


def place(file: BinaryIO, address: int) -> Any:
    """As :meth:`Program.place`, and the problem."""
    program = _program(file)
    return program.place(address), program.problem


def frame(file: BinaryIO, address: int) -> Any:
    """The rules as lists, None where nothing says; and the problem."""
    program = _program(file)
    found = program.frame(address)
    if found is None:
        return None, program.problem
    saved = [(register, *rule) for register, rule in found.saved.items()]
    return (found.cfa, saved, found.return_register), program.problem


def source(file: BinaryIO, base: str) -> Any:
    """As :meth:`Program.source`, and the problem."""
    program = _program(file)
    return program.source(base), program.problem


def function(file: BinaryIO, address: int) -> Any:
    """As :meth:`Program.function`."""
    return _program(file).function(address)


def start(file: BinaryIO, address: int) -> Any:
    """As :meth:`Program.start`."""
    return _program(file).start(address)


def extent(file: BinaryIO, address: int) -> Any:
    """As :meth:`Program.extent`."""
    return _program(file).extent(address)


def call_before(file: BinaryIO, address: int) -> Any:
    """As :meth:`Program.call_before`."""
    return _program(file).call_before(address)


def jumps(file: BinaryIO, begin: int, end: int) -> Any:
    """As :meth:`Program.jumps`."""
    return list(_program(file).jumps(begin, end))


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
