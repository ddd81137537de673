"""ESP-IDF's partition table of text (CSV), read as ``gen_esp32part.py`` reads it.

Format: ESP-IDF Programming Guide, "Partition Tables", "Creating Custom Tables";
``components/partition_table/gen_esp32part.py`` of ESP-IDF 6. Variables in it are not replaced: a
table is somebody else's text, and the environment here is not the build's.
"""

from __future__ import annotations

import codecs
import errno
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine import files
from engine.errors import UsageError
from engine.images import partitions
from engine.images.flash_layout import FlashLayout
from engine.images.partitions import (
    APP,
    BOOTLOADER,
    FLAGS,
    MAX_BYTES,
    PARTITION_TABLE,
    PRIMARY,
    SUBTYPES,
    TABLE_SECTOR,
    TYPES,
    Partition,
    PartitionTableError,
    alignment,
)

MAX_FILE_BYTES = 1 << 20
"""Bytes of a table that is read."""

_LABEL_BYTES = 16
_UNDEFINED = 0x06  # what a partition is that is no app and names no subtype
_RECOVERY_SUBTYPE = 0x02

_UNITS = {"k": 10, "m": 20}
_MAX_NUMBER_CHARACTERS = 50  # characters
_MAX_ENTRIES = MAX_BYTES // 32 - 1  # 32 bytes each; one that is erased is the end
_NUMBER = re.compile(r"[+-]?[0-9a-fA-FxXoO_]{1,40}")
_VARIABLE = re.compile(r"\$(?:\{[^}]{1,100}\}|[A-Za-z_]\w{0,100})")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_TYPE_NUMBERS = {name: number for number, name in TYPES.items()}
_FLAG_BITS = {name: bit for bit, name in FLAGS.items()}


def read_partition_file(path: Path, layout: FlashLayout) -> tuple[Partition, ...]:
    """Read a table from a file, of bytes or of text.

    Raises:
        PartitionTableError: ESP-IDF would refuse it.
        UsageError: the file cannot be read, or is too large for a table.
    """
    try:
        data = files.read_file(path, MAX_FILE_BYTES)
    except OSError as error:
        large = error.errno == errno.EFBIG
        said = "too large for a partition table" if large else error.strerror
        raise UsageError(f"{path}: {said}") from error
    try:
        if data.startswith(partitions.MAGIC):
            return partitions.parse(data)
        encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
        return parse_csv(data.decode(encoding), layout)
    except UnicodeDecodeError as error:
        raise PartitionTableError(f"{path.name}: neither a partition table nor text") from error
    except PartitionTableError as error:
        raise PartitionTableError(f"{path.name}: {error}") from error


def parse_csv(text: str, layout: FlashLayout | None = None) -> tuple[Partition, ...]:
    """Read a table of text; partitions without an offset are placed, sizes below 0 filled up to.

    Args:
        text: the table.
        layout: where the table and the bootloaders are.

    Raises:
        PartitionTableError: a line makes no sense, or partitions overlap; names the line.
    """
    layout = layout or FlashLayout()
    rows: list[tuple[int, Partition, bool]] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            if len(rows) == _MAX_ENTRIES:
                raise PartitionTableError(f"line {number}: more than {_MAX_ENTRIES} partitions")
            try:
                rows.append((number, *_row(line, layout)))
            except ValueError as error:
                raise PartitionTableError(f"line {number}: {error}") from error
    return tuple(_placed(rows, layout))


def _placed(rows: Sequence[tuple[int, Partition, bool]], layout: FlashLayout) -> list[Partition]:
    placed, end = [], layout.first_free
    for number, partition, has_offset in rows:
        if partition.type in (BOOTLOADER, PARTITION_TABLE) and partition.subtype == PRIMARY:
            placed.append(partition)
            continue
        if not has_offset:
            partition = replace(partition, offset=end + -end % alignment(partition))
        elif partition.offset < end:
            before = "the partition before" if len(placed) else "the partition table"
            raise PartitionTableError(
                f"line {number}: {partition.label} begins at {partition.offset:#x}, "
                f"{before} ends at {end:#x}"
            )
        if partition.size < 0:  # counted from the start of flash
            partition = replace(partition, size=-partition.size - partition.offset)
        if partition.size < 0 or partition.end > 1 << 32:
            raise PartitionTableError(f"line {number}: {partition.label} has no room in flash")
        placed.append(partition)
        end = partition.end
    return placed


def _row(line: str, layout: FlashLayout) -> tuple[Partition, bool]:
    """A line's partition, and whether it says its offset.

    Raises:
        ValueError: it makes no sense.
    """
    if variable := _VARIABLE.search(line):
        raise ValueError(f"{variable[0]} is known in a build only")
    label, kind_text, subtype_text, offset_text, size_text, flags_text = [
        field.strip() for field in f"{line},,,,,".split(",")[:6]
    ]
    if not kind_text:
        raise ValueError("no type")
    kind = _number(kind_text, _TYPE_NUMBERS)
    subtype = _subtype(kind, subtype_text)
    offset = _offset(kind, subtype, offset_text, layout)
    flags = 0
    for flag in filter(None, flags_text.split(":")):
        if flag not in _FLAG_BITS:
            raise ValueError(f"no such flag: {flag[:40]!r}; there are {', '.join(_FLAG_BITS)}")
        flags |= _FLAG_BITS[flag]
    for value in (kind, subtype):
        if not 0 <= value <= 0xFF:
            raise ValueError(f"{value}: a type or subtype is a number from 0 to 255")
    label = label.encode()[:_LABEL_BYTES].decode("utf-8", "replace")
    size = _size(kind, size_text, layout)
    return Partition(label, kind, subtype, offset or 0, size, flags), offset is not None


def _subtype(kind: int, text: str) -> int:
    if text:
        return _number(text, {name: sub for (of, sub), name in SUBTYPES.items() if of == kind})
    if kind == APP:
        raise ValueError("an app needs a subtype, such as factory or ota_0")
    return _UNDEFINED


def _offset(kind: int, subtype: int, text: str, layout: FlashLayout) -> int | None:
    if kind == BOOTLOADER and subtype == PRIMARY:
        return _known_offset(layout.bootloader, "bootloader", "BOOTLOADER_OFFSET_IN_FLASH")
    if kind == BOOTLOADER and subtype == _RECOVERY_SUBTYPE:
        return _known_offset(layout.recovery, "recovery bootloader", "BOOTLOADER_RECOVERY_OFFSET")
    if kind == PARTITION_TABLE and subtype == PRIMARY:
        return layout.table
    return _number(text, {}) if text else None


def _size(kind: int, text: str, layout: FlashLayout) -> int:
    if kind == BOOTLOADER:
        at = _known_offset(layout.bootloader, "bootloader", "BOOTLOADER_OFFSET_IN_FLASH")
        return layout.table - at
    if kind == PARTITION_TABLE:
        return TABLE_SECTOR
    if not text:
        raise ValueError("no size")
    return _number(text, {})


def _known_offset(offset: int | None, what: str, option: str) -> int:
    if offset is None:
        raise ValueError(f"no sdkconfig beside it says where the {what} is (CONFIG_{option})")
    return offset


def _number(text: str, names: Mapping[str, int]) -> int:
    """A number, of KiB or MiB with a ``K`` or ``M`` behind it, or one of some names."""
    named = names.get(text.lower())
    if named is not None:
        return named
    digits = text.rstrip("kKmM") if len(text) <= _MAX_NUMBER_CHARACTERS else ""
    unit = sum(_UNITS[letter] for letter in text[len(digits) :].lower()) if digits else 0
    try:
        if unit <= 40 and _NUMBER.fullmatch(digits):
            return int(digits, 0) << unit
    except ValueError:
        pass
    known = f"; there are {', '.join(names)}" if names else ""
    raise ValueError(f"{text[:40]!r} is not a number such as 0x10000, 24K or 1M{known}")
