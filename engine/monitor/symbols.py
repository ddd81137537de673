"""From an address to function, file and line, by a program's own ELF and DWARF.

The ELF is untrusted: a child process reads it (:mod:`engine.monitor.program`), and where it cannot,
nothing is known.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.files import open_file
from engine.formats.elf import MAX_BYTES, TIMEOUT_SECONDS
from engine.monitor import debug_info
from engine.monitor.debug_info import FrameRules
from engine.processes import bounded
from engine.processes.bounded import UnreadableError

_log = logging.getLogger(__name__)

_READER = "engine.monitor.program"
_MAX_LINE = 10_000_000


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
        OSError: there is no such file, or it is too large.
        UnreadableError: it is no program; see :func:`load_symbols`.
    """

    def __init__(self, elf: Path) -> None:
        self.path = elf
        self._reader = bounded.Reader(elf, _READER, MAX_BYTES)
        described = self._reader.ask("describe", seconds=TIMEOUT_SECONDS)
        riscv, code, roms = bounded.fields(described, bool, list, list)
        self.is_riscv: bool = riscv
        self._code = list(bounded.rows(code, int, int))
        self._roms = list(bounded.rows(roms, int, int))
        self.problem = ""
        """Why its debug information is not read any more, empty where it is."""

        self._is_given_up = False

    def is_code(self, address: int) -> bool:
        """Whether the program has code there."""
        return any(start <= address < end for start, end in self._code)

    def is_rom(self, address: int) -> bool:
        """Whether that is code of the ROM of the chip that the program was linked for."""
        in_rom = any(low <= address < high for low, high in self._roms)
        return in_rom and not self.is_code(address)

    def place(self, address: int, root: Path) -> Place:
        """What lies at an address; a file inside ``root`` is given relative to it.

        Where functions are inlined, it is the innermost, with what it was inlined by.
        """
        if self.is_rom(address):
            return Place(address, self.function(address), None, None, in_rom=True)
        if not self.is_code(address):
            return Place(address, None, None, None)
        try:
            rows = list(bounded.rows(self._ask_debug("place", address), _TEXT, _TEXT, _NUMBER))
        except UnreadableError as error:
            _log.debug("0x%08x: %r", address, error)
            rows = []
        found: Place | None = None
        for name, file, line in reversed(rows or [(self.function(address), None, None)]):
            number = line if line is not None and 0 < line < _MAX_LINE else None
            found = Place(address, name, relative(file, root), number, found)
        assert found is not None
        return found

    def function(self, address: int) -> str | None:
        """The function that an address lies in, by the symbol table, as the source names it."""
        found = self._ask("function", address)
        return found if isinstance(found, str) else None

    def start(self, address: int) -> tuple[int, int] | None:
        """Where the function begins that an address lies in, and the offset of its name."""
        return _pair(self._ask("start", address))

    def extent(self, address: int) -> tuple[int, int] | None:
        """First address of the function that an address lies in, and first after it."""
        return _pair(self._ask("extent", address))

    def frame(self, address: int) -> FrameRules | None:
        """How to find the caller of the code at an address; None where nothing says."""
        try:
            found = self._ask_debug("frame", address)
            if found is None:
                return None
            cfa, saved, back = bounded.fields(found, list, list, int)
            register, offset = bounded.fields(cfa, int, int)
            rules = {each: (kind, by) for each, kind, by in bounded.rows(saved, int, str, int)}
        except UnreadableError as error:
            _log.debug("0x%08x: %r", address, error)
            return None
        return FrameRules((register, offset), rules, back)

    def source(self, base: str) -> str | None:
        """The one source file of that name that the program was compiled of; None if not one."""
        try:
            found = self._ask_debug("source", base)
        except UnreadableError as error:
            _log.debug("%s: %r", base, error)
            return None
        return found if isinstance(found, str) else None

    @functools.cached_property
    def sha256(self) -> str:
        """SHA-256 of the file, as ESP-IDF prints it of the program that runs.

        Raises:
            OSError: it cannot be read any more.
        """
        with open_file(self.path, MAX_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def call_before(self, address: int) -> tuple[bool, int | None]:
        """Whether the RISC-V instruction before an address is a call, and where it goes.

        The target is None where a register holds it that the instruction before did not set.
        """
        if not any(start <= address - 2 and address <= end for start, end in self._code):
            return False, None  # most words of a stack: each question costs a tenth of a ms
        found = self._ask("call_before", address)
        try:
            is_call, target = bounded.fields(found, bool, _NUMBER)
        except UnreadableError:
            return False, None
        return is_call, target

    def jumps(self, begin: int, end: int) -> Sequence[tuple[int, int]]:
        """The RISC-V instructions in a range that jump without linking, and where they go."""
        try:
            return [(at, to) for at, to in bounded.rows(self._ask("jumps", begin, end), int, int)]
        except UnreadableError:
            return []

    def _ask(self, function: str, *arguments: object) -> Any:
        """An answer by headers, symbols and code; None where there is none, and from then on."""
        if self._is_given_up:
            return None
        try:
            return self._reader.ask(function, *arguments, seconds=TIMEOUT_SECONDS)
        except UnreadableError as error:
            _log.debug("%s: %s%r: %r", self.path, function, arguments, error)
            self._is_given_up = True
            return None

    def _ask_debug(self, function: str, *arguments: object) -> Any:
        """An answer by debug information.

        Raises:
            UnreadableError: there is none, and from now on none is asked for.
        """
        if self.problem:
            raise UnreadableError(self.problem)
        try:
            answer = self._reader.ask(function, *arguments, seconds=debug_info.MAX_SECONDS)
            value, problem = bounded.fields(answer, (list, str, type(None)), _TEXT)
        except UnreadableError as error:
            self._give_up(str(error))
            raise
        if problem:
            self._give_up(bounded.failure_text(problem, debug_info.MAX_SECONDS))
            self._reader.restart()  # what it holds of it is not needed any more
        return value

    def _give_up(self, reason: str) -> None:
        self.problem = f"the debug information of {self.path.name} cannot be read: {reason}"
        _log.debug("%s", self.problem)


_TEXT = (str, type(None))
_NUMBER = (int, type(None))


def _pair(value: object) -> tuple[int, int] | None:
    try:
        first, second = bounded.fields(value, int, int)
    except UnreadableError:
        return None
    return first, second


def load_symbols(elf: Path) -> Symbols | None:
    """Symbols of a program, kept for the next time; None when it cannot be read."""
    try:
        stat = elf.stat()
        return _load(elf, stat.st_mtime_ns, stat.st_size)
    except (OSError, UnreadableError) as error:
        _log.debug("%s: %r", elf, error)
        return None


@functools.lru_cache(maxsize=4)
def _load(elf: Path, _mtime: int, _size: int) -> Symbols:
    return Symbols(elf)


def relative(file: str | None, root: Path) -> str | None:
    """The name of a file relative to ``root``, where it lies inside."""
    for folder in (str(root), os.path.realpath(root)):
        if file is not None and file.startswith(folder + os.sep):
            return file[len(folder) + 1 :]
    return file
