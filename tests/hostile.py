"""Programs that lie about themselves, made byte by byte."""

from __future__ import annotations

import struct
from dataclasses import dataclass

CODE = 0x42000000
"""Where their code is."""


@dataclass
class Section:
    """A section; ``data`` is its bytes, or how many it says it has of those of the code."""

    name: str
    data: bytes | int
    kind: int = 1
    flags: int = 0
    link: int = 0
    entry: int = 0


TEXT = Section(".text", b"\x13\0\0\0" * 256, flags=6)


def elf(*sections: Section, **header: int) -> bytes:
    """A RISC-V program with the sections; what its header says may be another thing."""
    rows = [Section("", b"", 0), TEXT, *sections, Section(".shstrtab", b"", 3)]
    names = b"".join(row.name.encode() + b"\0" for row in rows)
    rows[-1].data = names
    body, table, name = b"", b"", 0
    for row in rows:
        size = row.data if isinstance(row.data, int) else len(row.data)
        at = 52 if isinstance(row.data, int) else 52 + len(body)
        body += b"" if isinstance(row.data, int) else row.data
        address = CODE if row.flags else 0
        table += struct.pack(
            "<10I", name, row.kind, row.flags, address, at, size, row.link, 0, 1, row.entry
        )
        name += len(row.name) + 1
    says = {"phentsize": 32, "phnum": 0, "shentsize": 40, "shnum": len(rows)} | header
    return (
        struct.pack(
            "<16sHHIIIIIHHHHHH",
            *(b"\x7fELF\1\1\1", 2, 243, 1, CODE, 52, 52 + len(body), 0, 52),
            *(says["phentsize"], says["phnum"], says["shentsize"], says["shnum"], len(rows) - 1),
        )
        + body
        + table
    )


def debug(*sections: Section) -> bytes:
    """A program with one unit, whose line number program begins at 0."""
    abbreviations = Section(".debug_abbrev", b"\x01\x11\x00\x11\x01\x12\x06\x10\x17\0\0\0")
    unit = struct.pack("<HIBBIII", 4, 0, 4, 1, CODE, 0x400, 0)
    info = Section(".debug_info", struct.pack("<I", len(unit)) + unit)
    return elf(info, abbreviations, Section(".debug_str", b"\0"), *sections)


def lines(operations: bytes) -> Section:
    """A line number program of DWARF 4."""
    head = bytes([1, 1, 1, 0xFB, 14, 13]) + b"\0\1\1\1\1\0\0\0\1\0\0\1" + b"\0a.c\0\0\0\0\0"
    body = struct.pack("<HI", 4, len(head)) + head + operations
    return Section(".debug_line", struct.pack("<I", len(body)) + body)


def frames(rules: bytes) -> Section:
    """Call frame information of one function."""
    common = b"\0\0\0\0\x01zR\0\x01\x7c\x01\x01\x00"
    common = struct.pack("<I", len(common)) + common
    body = struct.pack("<III", len(common) + 4, CODE, 0x400) + b"\0\x0c\x02\x00" + rules
    return Section(".eh_frame", common + struct.pack("<I", len(body)) + body, flags=2)


def number(value: int) -> bytes:
    """An unsigned LEB128 (DWARF 5, 7.6)."""
    data = b""
    while value > 0x7F:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


# Attributes and forms (DWARF 5, 7.5.4 to 7.5.6).
_LOW, _HIGH = b"\x11\x01", b"\x12\x06"  # DW_AT_low_pc, DW_FORM_addr; DW_AT_high_pc, DW_FORM_data4
_SIBLING, _ORIGIN = b"\x01\x13", b"\x31\x13"  # DW_AT_sibling, DW_AT_abstract_origin: DW_FORM_ref4
ABBREVIATIONS = b"".join(
    code + rest + b"\0\0"
    for code, rest in (
        (b"\x01", b"\x11\x01" + _LOW + _HIGH),  # DW_TAG_compile_unit with children
        (b"\x02", b"\x2e\x01" + _SIBLING + _LOW + _HIGH),  # DW_TAG_subprogram with children
        (b"\x03", b"\x1d\x00" + _ORIGIN + _LOW + _HIGH),  # DW_TAG_inlined_subroutine
        (b"\x04", b"\x0b\x01" + _LOW + _HIGH),  # DW_TAG_lexical_block with children
        (b"\x05", b"\x11\x00\x55\x17"),  # DW_TAG_compile_unit: DW_AT_ranges, DW_FORM_sec_offset
        (b"\x06", b"\x11\x00\x03\x0e\x12\x06\x11\x01"),  # DW_AT_name, DW_FORM_strp
        (b"\x07", b"\x11\x00\x03\x16"),  # DW_AT_name, DW_FORM_indirect
    )
) + b"\0"  # fmt: skip
"""Kinds of entries that the units below are made of."""


def unit(entries: bytes, abbreviations: int = 0) -> bytes:
    """A unit of DWARF 4; its first entry is at :data:`FIRST`."""
    body = struct.pack("<HIB", 4, abbreviations, 4) + entries
    return struct.pack("<I", len(body)) + body


FIRST = 11
"""Offset of a unit's first entry."""

_COVERING = struct.pack("<II", CODE, 0x400)
_ELSEWHERE = struct.pack("<II", CODE + 0x1000, 4)
_WHOLE = b"\x01" + _COVERING


def debugged(units: bytes, *sections: Section, abbreviations: bytes = ABBREVIATIONS) -> bytes:
    """A program with the units and what they refer to."""
    return elf(
        Section(".debug_info", units),
        Section(".debug_abbrev", abbreviations),
        *sections,
        *(
            ()
            if any(each.name == ".debug_str" for each in sections)
            else (Section(".debug_str", b"\0"),)
        ),
    )


def own_sibling() -> bytes:
    """A function that says that the next entry is itself."""
    at = FIRST + len(_WHOLE)
    return debugged(unit(_WHOLE + b"\x02" + struct.pack("<I", at) + _ELSEWHERE + b"\0\0"))


def sibling_before() -> bytes:
    """Two functions each of which says that the other one is next."""
    first = FIRST + len(_WHOLE)
    second = first + 13
    return debugged(
        unit(
            _WHOLE
            + b"\x02" + struct.pack("<I", second) + _ELSEWHERE
            + b"\x02" + struct.pack("<I", first) + _ELSEWHERE
            + b"\0\0"
        )
    )  # fmt: skip


def own_origin() -> bytes:
    """An inlined function that is a copy of itself."""
    at = FIRST + len(_WHOLE) + 13
    function = b"\x02" + struct.pack("<I", at + 14) + _COVERING
    return debugged(unit(_WHOLE + function + b"\x03" + struct.pack("<I", at) + _COVERING + b"\0\0"))


def nested(depth: int = 50_000) -> bytes:
    """Blocks in each other, none of which covers the code."""
    return debugged(unit(_WHOLE + (b"\x04" + _ELSEWHERE) * depth + b"\0" * (depth + 1)))


def shared_ranges(units: int = 3000, ranges: int = 20_000) -> bytes:
    """Units that all have the same long list of ranges."""
    listed = b"".join(struct.pack("<II", 0x10 + at, 0x11 + at) for at in range(ranges)) + bytes(8)
    return debugged(unit(b"\x05" + bytes(4)) * units, Section(".debug_ranges", listed))


def shared_name(units: int = 3000, size: int = 1 << 20) -> bytes:
    """Units that all have the same long name, which has no end."""
    entry = b"\x06" + bytes(4) + struct.pack("<II", 4, CODE + 0x1000)
    return debugged(unit(entry) * units, Section(".debug_str", b"A" * size))


def shared_abbreviations(units: int = 2000, size: int = 2000) -> bytes:
    """Units each of which reads the same table of abbreviations from another place on."""
    one = b"\x05\x11\x00\x55\x17\0\0"
    units_ = b"".join(unit(b"\x05" + bytes(4), at * len(one)) for at in range(units))
    return debugged(units_, abbreviations=one * (size + units) + b"\0")


def indirect_forms(count: int = 200_000) -> bytes:
    """An attribute whose form says to look for its form, and so on."""
    return debugged(unit(b"\x07" + b"\x16" * count + b"\x08a\0"))


def folders_without_bytes(version: int = 5) -> bytes:
    """A line number program of 2^62 folders of which nothing is said (DWARF 5, 6.2.4)."""
    head = bytes([1, 1, 1, 0xFB, 14, 13]) + b"\0\1\1\1\1\0\0\0\1\0\0\1"
    head += b"\0" + number(1 << 62) + b"\0" + number(0)
    body = struct.pack("<HBBI", version, 4, 0, len(head)) + head
    return debug(Section(".debug_line", struct.pack("<I", len(body)) + body))


def units_without_bytes(count: int = 400_000) -> bytes:
    """Units of no length."""
    return debugged(bytes(4 * count))


def sections_of_everything(count: int = 900) -> bytes:
    """Sections whose names have no end."""
    return elf(*(Section("", 0) for _ in range(count)), Section("A" * 1_000_000, b""))
