"""Lines, inlined functions and call frames of a program, by its DWARF information.

What is read, and where the standard describes it: line number programs (DWARF 5, 6.2), inlined
subroutines (3.3.8) and call frame information (6.4), the last also in the form of ``.eh_frame``
(Linux Standard Base Core, 10.6). pyelftools does the decoding.

The program is untrusted: it is read in a child process (:mod:`engine.processes.bounded`), which
gives up what costs too much.
"""

from __future__ import annotations

import bisect
import io
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_SECONDS = 10.0
"""Seconds of the processor that a question may cost; one that cost more is asked no more."""

MAX_LINE_PROGRAM_BYTES = 1 << 18
"""Bytes of a unit's line number program that are read; large units have some 100 KiB."""

_MAX_ENTRY_BYTES = 1 << 16
_MAX_RULES = 1 << 18  # rows of a description times registers; a compiler's have some thousand
_MAX_NAME_BYTES = 4096  # bytes of a name
# Instructions that begin or keep a row (DWARF 5, 7.24): DW_CFA_advance_loc; DW_CFA_set_loc,
# DW_CFA_advance_loc1, 2 and 4, DW_CFA_remember_state.
_ADVANCE, _COPYING = 0x40, (0x01, 0x02, 0x03, 0x04, 0x0A)
_MAX_DEPTH = 64
_SCOPES = frozenset(
    {
        "DW_TAG_namespace",
        "DW_TAG_structure_type",
        "DW_TAG_class_type",
        "DW_TAG_union_type",
        "DW_TAG_module",
    }
)
_HOLDERS = _SCOPES | {"DW_TAG_compile_unit"}
_CODE = frozenset({"DW_TAG_subprogram", "DW_TAG_inlined_subroutine", "DW_TAG_lexical_block"})


@dataclass(frozen=True, slots=True)
class Inlined:
    """A function whose code stands inside another's.

    Args:
        name: as the linker would name it, else as the source does.
        file, line: where it is called, as far as that is known.
    """

    name: str | None
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class FrameRules:
    """How to get from a function to its caller, at one address (DWARF 5, 6.4.1).

    Args:
        cfa: register and offset of the canonical frame address.
        saved: by register where its value before the call is: ``("offset", n)`` in memory at the
            frame address plus n, ``("value", n)`` that address itself, ``("register", n)``, or
            ``("lost", 0)``. What is not named is unchanged.
        return_register: which register holds the return address.
    """

    cfa: tuple[int, int]
    saved: Mapping[int, tuple[str, int]]
    return_register: int


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Rows of a line number program with rising addresses, to ``end``."""

    end: int
    addresses: list[int]
    rows: list[tuple[int, int]]


class DebugInfo:
    """What the debug information of one program says.

    Args:
        elf: as :func:`engine.formats.elf.open_elf` gives it.
    """

    def __init__(self, elf: Any) -> None:
        self._elf = elf
        self._dwarf: Any = None
        self._all_units: list[tuple[Any, list[tuple[int, int]]]] | None = None
        self._lines: dict[int, list[_Sequence]] = {}
        self._programs: dict[int, Any] = {}
        self._frames: list[tuple[int, int, int, str]] | None = None

    def line(self, address: int) -> tuple[str | None, int | None]:
        """File and line of an address; the number is None where the compiler gives none."""
        for unit in self._units_at(address):
            for sequence in self._sequences(unit):
                if not sequence.addresses[0] <= address < sequence.end:
                    continue
                row = bisect.bisect_right(sequence.addresses, address) - 1
                file, line = sequence.rows[row]
                program = self._programs[unit.cu_offset]
                return _file_of(unit, program, file), line or None
        return None, None

    def inlined(self, address: int) -> tuple[Inlined, ...]:
        """The functions that are inlined at an address, innermost first."""
        for unit in self._units_at(address):
            found = [
                self._call(unit, entry)
                for entry in self._path(unit, address)
                if entry.tag == "DW_TAG_inlined_subroutine"
            ]
            if found:
                return tuple(reversed(found))
        return ()

    def sources(self, base: str) -> set[str]:
        """The source files of that name, without folder, of which the program was compiled."""
        return {
            path
            for unit, _ranges in self._units()
            if (path := _path_of(unit)) is not None and Path(path).name == base
        }

    def frame(self, address: int) -> FrameRules | None:
        """How to find the caller of the code at an address; None where nothing says."""
        if self._frames is None:
            self._frames = sorted(self._frame_entries())
        index = bisect.bisect_right(self._frames, (address, 1 << 64, 0, "")) - 1
        if index < 0:
            return None
        start, end, offset, section = self._frames[index]
        return self._rules(section, offset, address) if start <= address < end else None

    def _units(self) -> Iterator[tuple[Any, list[tuple[int, int]]]]:
        """Compilation units and the addresses that each covers, none where it does not say."""
        if self._all_units is None:
            self._all_units = []
            if self._elf.has_dwarf_info():
                self._dwarf = self._elf.get_dwarf_info(relocate_dwarf_sections=False)
                for unit in self._dwarf.iter_CUs():
                    self._all_units.append((unit, list(ranges_of(self._dwarf, unit))))
        return iter(self._all_units)

    def _units_at(self, address: int) -> Iterator[Any]:
        unknown = []
        for unit, ranges in self._units():
            if any(low <= address < high for low, high in ranges):
                yield unit
            elif not ranges:
                unknown.append(unit)
        yield from unknown

    def _sequences(self, unit: Any) -> list[_Sequence]:
        found = self._lines.get(unit.cu_offset)
        if found is None:
            found = self._lines[unit.cu_offset] = list(self._read_lines(unit))
        return found

    def _read_lines(self, unit: Any) -> Iterator[_Sequence]:
        program = self._dwarf.line_program_for_CU(unit)
        if program is None or program.header.unit_length > MAX_LINE_PROGRAM_BYTES:
            return
        self._programs[unit.cu_offset] = program
        addresses: list[int] = []
        rows: list[tuple[int, int]] = []
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if state.end_sequence:
                if addresses and addresses == sorted(addresses):
                    yield _Sequence(state.address, addresses, rows)
                addresses, rows = [], []
            else:
                addresses.append(state.address)
                rows.append((state.file, state.line))

    def _path(self, unit: Any, address: int) -> list[Any]:
        """The entries of a unit that an address lies in, from its function inwards."""
        path: list[Any] = []
        waiting = [unit.get_top_DIE()]
        while waiting:
            holder = waiting.pop()
            for child in holder.iter_children():
                if child.tag in _CODE and self._covers(unit, child, address):
                    path.append(child)
                    if len(path) > _MAX_DEPTH:
                        return path
                    waiting = [child]
                    break
                if child.tag in _SCOPES and holder.tag in _HOLDERS and child.has_children:
                    waiting.append(child)
        return path

    def _covers(self, unit: Any, entry: Any, address: int) -> bool:
        return any(low <= address < high for low, high in ranges_of(self._dwarf, unit, entry))

    def _call(self, unit: Any, entry: Any) -> Inlined:
        attributes = entry.attributes
        line = attributes["DW_AT_call_line"].value if "DW_AT_call_line" in attributes else None
        file = None
        if "DW_AT_call_file" in attributes:
            self._sequences(unit)
            program = self._programs.get(unit.cu_offset)
            if program is not None:
                file = _file_of(unit, program, attributes["DW_AT_call_file"].value)
        return Inlined(_name_of(entry), file, line or None)

    def _frame_entries(self) -> Iterator[tuple[int, int, int, str]]:
        """Start, end, offset and section of every frame description.

        Walked by hand: the parser's objects take seconds for those of a large firmware.
        """
        for name in (".debug_frame", ".eh_frame"):
            section = self._elf.get_section_by_name(name)
            if section is None or section["sh_type"] == "SHT_NOBITS":
                continue
            data = section.data()
            at = 0
            while at + 8 <= len(data):
                length, pointer = struct.unpack_from("<II", data, at)
                if not 4 <= length < _MAX_ENTRY_BYTES:
                    # A terminator of one of several parts, 64-bit DWARF, or nonsense.
                    if length:
                        break
                    at += 4
                    continue
                if pointer != (0xFFFFFFFF if name == ".debug_frame" else 0):
                    found = self._description(section, data, at)
                    if found is not None:
                        yield (*found, at, name)
                at += 4 + length

    def _description(self, section: Any, data: bytes, at: int) -> tuple[int, int] | None:
        """First address, and first after, of the frame description at an offset."""
        if at + 16 > len(data):
            return None
        start, size = struct.unpack_from("<II", data, at + 8)
        if section.name == ".debug_frame":
            return start, start + size
        # DW_EH_PE_pcrel | DW_EH_PE_sdata4, or DW_EH_PE_absptr: what GCC and LLVM write.
        cie = at + 4 - struct.unpack_from("<I", data, at + 4)[0]
        encoding = _pointer_encoding(data, cie)
        if encoding == 0x1B:
            start = (section["sh_addr"] + at + 8 + start) & 0xFFFFFFFF
        elif encoding != 0x00:
            return None
        return start, start + size

    def _rules(self, name: str, at: int, address: int) -> FrameRules | None:
        """Rules of one description, given to the parser as a section of its own."""
        from elftools.dwarf.callframe import FDE, CallFrameInfo
        from elftools.dwarf.structs import DWARFStructs

        section = self._elf.get_section_by_name(name)
        data = section.data()
        is_eh = name == ".eh_frame"
        length, pointer = struct.unpack_from("<II", data, at)
        cie = at + 4 - pointer if is_eh else pointer
        cie_length = struct.unpack_from("<I", data, cie)[0] if 0 <= cie < len(data) - 4 else 0
        if not 4 <= cie_length < _MAX_ENTRY_BYTES:
            return None
        head = data[cie : cie + 4 + cie_length]
        body = bytearray(data[at : at + 4 + length])
        struct.pack_into("<I", body, 4, len(head) + 4 if is_eh else 0)
        whole = head + bytes(body)
        entries = CallFrameInfo(
            stream=io.BytesIO(whole),
            size=len(whole),
            # Where the description would lie, so that addresses relative to it come out right.
            address=section["sh_addr"] + at - len(head),
            base_structs=DWARFStructs(little_endian=True, dwarf_format=32, address_size=4),
            for_eh_frame=is_eh,
        ).get_entries()
        entry = entries[-1]
        return _rules_at(entry, address) if isinstance(entry, FDE) else None


def _rules_at(entry: Any, address: int) -> FrameRules | None:
    _check_rows(entry)
    row = None
    for candidate in entry.get_decoded().table:
        if candidate["pc"] > address:
            break
        row = candidate
    cfa = row["cfa"] if row is not None else None
    if row is None or cfa is None or cfa.reg is None or cfa.offset is None:
        return None
    saved: dict[int, tuple[str, int]] = {}
    kinds = {"OFFSET": "offset", "VAL_OFFSET": "value", "REGISTER": "register"}
    for register, rule in row.items():
        if isinstance(register, int) and rule.type != "SAME_VALUE":
            kind = kinds.get(rule.type, "lost")
            saved[register] = (kind, rule.arg if kind != "lost" else 0)
    return FrameRules((cfa.reg, cfa.offset), saved, entry.cie["return_address_register"])


def _check_rows(entry: Any) -> None:
    """See that the rules of a description fit into memory: the parser copies all for each row.

    Raises:
        ValueError: they are more than a compiler writes.
    """
    copies, registers = 1, set()
    for each in (*entry.cie.instructions, *entry.instructions):
        if each.opcode & 0xC0 == _ADVANCE or each.opcode in _COPYING:
            copies += 1
        elif each.args:
            registers.add(each.args[0])
    if copies * len(registers) > _MAX_RULES:
        raise ValueError(f"{copies} rows of call frame information for {len(registers)} registers")


def _pointer_encoding(data: bytes, cie: int) -> int | None:
    """How addresses are written after the entry of common information at an offset."""
    if not 0 <= cie <= len(data) - 12:
        return None
    end = data.find(b"\0", cie + 9, cie + 32)
    augmentation = data[cie + 9 : end] if end >= 0 else b""
    if not augmentation:
        return 0x00
    if not augmentation.startswith(b"z") or b"R" not in augmentation:
        return None
    at = end + 1
    for _field in range(4):  # code and data alignment, return register, length
        while at < len(data) and data[at] & 0x80:
            at += 1
        at += 1
    for letter in augmentation[1:]:
        if letter == ord("R"):
            return data[at] if at < len(data) else None
        if letter == ord("L"):
            at += 1
        elif letter != ord("S"):
            return None
    return None


def _name_of(entry: Any) -> str | None:
    """Name of an inlined function: that of what it is a copy of."""
    for _step in range(4):
        for key in ("DW_AT_linkage_name", "DW_AT_MIPS_linkage_name"):
            if key in entry.attributes:
                return _text(entry.attributes[key].value)
        further = next(
            (
                key
                for key in ("DW_AT_abstract_origin", "DW_AT_specification")
                if key in entry.attributes
            ),
            None,
        )
        if further is None:
            break
        entry = entry.get_DIE_from_attribute(further)
    name = entry.attributes.get("DW_AT_name")
    return _text(name.value) if name is not None else None


def _text(value: object) -> str | None:
    return value[:_MAX_NAME_BYTES].decode("utf-8", "replace") if isinstance(value, bytes) else None


def ranges_of(dwarf: Any, unit: Any, entry: Any = None) -> Iterator[tuple[int, int]]:
    """Addresses of an entry: first, and first after (DWARF 5, 2.17).

    Args:
        dwarf, unit: as pyelftools gives them.
        entry: of the unit; None for the unit itself.
    """
    from elftools.dwarf.ranges import BaseAddressEntry

    top = unit.get_top_DIE().attributes
    attributes = top if entry is None else entry.attributes
    base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
    low = attributes["DW_AT_low_pc"].value if "DW_AT_low_pc" in attributes else 0
    if "DW_AT_high_pc" in attributes:
        high = attributes["DW_AT_high_pc"]
        is_address = high.form.startswith("DW_FORM_addr")
        yield low, high.value if is_address else low + high.value
    elif "DW_AT_ranges" in attributes:
        lists = dwarf.range_lists()
        offset = attributes["DW_AT_ranges"].value
        for each in lists.get_range_list_at_offset(offset, unit) if lists else ():
            if isinstance(each, BaseAddressEntry):
                base = each.base_address
            else:
                shift = 0 if each.is_absolute else base
                yield shift + each.begin_offset, shift + each.end_offset


def _path_of(unit: Any) -> str | None:
    attributes = unit.get_top_DIE().attributes
    parts = [attributes.get("DW_AT_comp_dir"), attributes.get("DW_AT_name")]
    texts = [_text(part.value) or "" for part in parts if part is not None]
    return os.path.normpath(Path(*texts)) if texts and parts[1] is not None else None


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
    return os.path.normpath(Path(*(_text(part) or "" for part in parts)))
