"""Breakpoints that a program has in its code: LabWired (0.25) passes over ``ebreak`` in silence.

On a chip without a debugger it is an exception, by which ``abort()`` and traps of GCC end. They are
looked for instruction by instruction in the functions of the symbol table; RISC-V has no data
among those. Encodings: RISC-V Unprivileged ISA, "Control Transfer" and "C" extension.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from engine.files import read_file
from engine.formats.elf import MAX_BYTES, TIMEOUT_SECONDS, open_elf
from engine.processes import bounded
from engine.processes.bounded import UnreadableError

_EBREAK = b"\x73\x00\x10\x00"
_C_EBREAK = b"\x02\x90"
_MAX_BREAKPOINTS = 4096
_EXECUTABLE = 0x4  # SHF_EXECINSTR


def find(elf: Path) -> dict[int, int]:
    """Address and size of each ``ebreak``; none where the program has no symbols.

    Args:
        elf: the program. Untrusted: of one that cannot be read, LabWired says what is wrong.

    Raises:
        OSError: it cannot be read.
    """
    data = read_file(elf, MAX_BYTES)
    if _EBREAK not in data and _C_EBREAK not in data:
        return {}
    try:
        found = bounded.ask_once(
            elf, __name__, find_in_file.__name__, most=MAX_BYTES, seconds=TIMEOUT_SECONDS
        )
        return dict(bounded.rows(found, int, int))
    except UnreadableError:
        return {}


def find_in_file(file: BinaryIO) -> list[tuple[int, int]]:
    """As :func:`find`, of an open file. Runs in a child process."""
    found: dict[int, int] = {}
    elf = open_elf(file)
    code = [
        (section["sh_addr"], section.data())
        for section in elf.iter_sections()
        if section["sh_flags"] & _EXECUTABLE and section["sh_type"] == "SHT_PROGBITS"
    ]
    table = elf.get_section_by_name(".symtab")
    for symbol in table.iter_symbols() if table is not None else ():
        if symbol["st_info"]["type"] != "STT_FUNC" or not symbol["st_size"]:
            continue
        for start, text in code:
            if start <= symbol["st_value"] < start + len(text):
                begin = symbol["st_value"] - start
                _sweep(text[begin : begin + symbol["st_size"]], symbol["st_value"], found)
        if len(found) > _MAX_BREAKPOINTS:
            break
    return list(found.items())


def _sweep(code: bytes, address: int, found: dict[int, int]) -> None:
    at = 0
    while at + 2 <= len(code):
        size = 4 if code[at] & 3 == 3 else 2
        word = code[at : at + size]
        if word in (_EBREAK, _C_EBREAK):
            found[address + at] = size
        at += size
