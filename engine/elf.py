"""Programs of others (ELF files), opened so that reading them stays within bounds.

pyelftools believes every header: that sections may lie over one another, that a table has 2^32
entries of no bytes, that a text or a number goes on to the end of the file. Here is what a linker
never writes refused, and what costs too much time given up.

Format: System V ABI, "Object Files".
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, BinaryIO

MAX_BYTES = 256 << 20
"""Bytes of a program that is read."""

MAX_SECONDS = 30.0
"""Seconds of this thread that reading a program may take, where nobody says otherwise."""

_MAX_HEADERS = 1000  # sections, or segments; firmware has some 40
_HEADER_BYTES = {32: (32, 40), 64: (56, 64)}  # of a segment, and of a section
_EVERY = 64  # readings of a stream for one look at the clock
_READ_WHOLE = (".debug", ".symtab", ".strtab")


class Deadline:
    """Says when something has taken too long, in the thread that started it.

    Args:
        seconds: that it may take.
        clock: tells seconds.
    """

    def __init__(
        self, seconds: float = MAX_SECONDS, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self.start(seconds)

    def start(self, seconds: float) -> None:
        """Begin anew."""
        self._until = self._clock() + seconds

    def check(self) -> None:
        """See that there is time left.

        Raises:
            TimeoutError: there is none.
        """
        if self._clock() >= self._until:
            raise TimeoutError("the program takes too long to read")


class _Watched:
    """A stream to read from, each few readings of which are asked whether they may go on."""

    def __init__(self, stream: Any, check: Callable[[], None]) -> None:
        self._check = check
        self._read = stream.read
        self._left = _EVERY
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def read(self, size: int = -1) -> bytes:
        """As of any stream."""
        self._left -= 1
        if self._left < 0:
            self._left = _EVERY
            self._check()
        data: bytes = self._read(size)
        return data


def open_elf(stream: BinaryIO, check: Callable[[], None]) -> Any:
    """A program, as pyelftools gives it.

    Args:
        stream: the file. Untrusted.
        check: raises when reading has taken too long, such as :meth:`Deadline.check`.

    Raises:
        ValueError: it is no program that a linker wrote, or more would be read than the file has.
        Exception: whatever else the parser raises for a file that is no ELF.
    """
    from elftools.elf.elffile import ELFFile

    size = stream.seek(0, os.SEEK_END)
    elf = ELFFile(_Watched(stream, check))  # type: ignore[arg-type] # it only reads and seeks
    segment, section = _HEADER_BYTES[elf.elfclass]
    for kind, count, each, wanted in (
        ("segments", elf["e_phnum"], elf["e_phentsize"], segment),
        ("sections", elf["e_shnum"], elf["e_shentsize"], section),
    ):
        if count > _MAX_HEADERS:
            raise ValueError(f"{count} {kind}")
        if count and each != wanted:
            raise ValueError(f"headers of {kind} with {each} bytes")
    if not elf["e_shnum"]:
        elf.header["e_shoff"] = 0  # else the parser looks for their number elsewhere
    _check_sections(elf, size)
    return elf


def watch_dwarf(elf: Any, check: Callable[[], None]) -> Any:
    """The debug information of a program that :func:`open_elf` opened, as pyelftools gives it.

    Args:
        check: raises when reading has taken too long.
    """
    dwarf = elf.get_dwarf_info(relocate_dwarf_sections=False)
    for name, section in vars(dwarf).items():
        if name.endswith("_sec") and section is not None:
            setattr(dwarf, name, section._replace(stream=_Watched(section.stream, check)))
    return dwarf


def _check_sections(elf: Any, most: int) -> None:
    """See that reading all sections takes no more memory than the file has bytes."""
    total = 0
    for section in elf.iter_sections():
        name, size = section.name, section["sh_size"]
        if section.compressed or name.startswith(".zdebug"):
            raise ValueError(f"{name} is compressed")
        if section["sh_type"] != "SHT_NOBITS":
            total += size
        elif name.startswith(_READ_WHOLE):
            raise ValueError(f"{name} is not in the file")
    if total > most or most > MAX_BYTES:
        raise ValueError("its sections have more bytes than the file")
