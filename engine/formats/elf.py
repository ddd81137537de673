"""Programs of others (ELF files), as pyelftools gives them: in a child process alone.

pyelftools believes every header: that sections may lie over one another, that a table has 2^32
entries of no bytes, that a text or a number goes on to the end of the file. What a linker never
writes is refused here; what costs too much all the same, :mod:`engine.processes.bounded` ends.

Format: System V ABI, "Object Files".
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO

MAX_BYTES = 256 << 20
"""Bytes of a program that is read."""

TIMEOUT_SECONDS = 30.0
"""Seconds of the processor that measuring a program may take."""

_MAX_HEADERS = 1000  # sections, or segments; firmware has some 40
_HEADER_BYTES = {32: (32, 40), 64: (56, 64)}  # of a segment, and of a section
_READ_WHOLE = (".debug", ".symtab", ".strtab")


def open_elf(stream: BinaryIO) -> Any:
    """A program, as pyelftools gives it.

    Args:
        stream: the file. Untrusted.

    Raises:
        ValueError: it is no program that a linker wrote, or more would be read than the file has.
        Exception: whatever else the parser raises for a file that is no ELF.
    """
    from elftools.elf.elffile import ELFFile

    size = stream.seek(0, os.SEEK_END)
    elf = ELFFile(stream)
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
