"""The partition table in a board's flash: where it is, and which app the board starts by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.enums import ArtifactKind
from engine.errors import BoardError
from engine.images import partitions
from engine.images.boot_selection import SECTOR, ota_data, selected_app
from engine.images.image import Image
from engine.images.partitions import (
    MAX_BYTES,
    PARTITION_TABLE_OFFSET,
    TABLE_SECTOR,
    Partition,
    PartitionTableError,
)

SEARCHED = (0x1000, 0x20000)
"""Where a table is looked for that is not where it is by default: first byte, and end."""

# The checksum's entry: without one, what begins like a table may be anything.
_DIGEST = b"\xeb\xeb" + b"\xff" * 14

Read = Callable[[int, int], bytes]
"""Reads flash: offset and size in bytes. Raises BoardError."""


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """A partition table in flash, and where it is (``CONFIG_PARTITION_TABLE_OFFSET``)."""

    offset: int
    partitions: tuple[Partition, ...]


def read_at(read: Read, offset: int) -> PartitionTable | None:
    """The table at an offset; None where nothing begins like one.

    Raises:
        PartitionTableError: what is there is no table that ESP-IDF takes.
        BoardError: the flash cannot be read.
    """
    data = read(offset, MAX_BYTES)
    if not data.startswith(partitions.MAGIC):
        return None
    try:
        found = partitions.parse(data)
    except PartitionTableError as error:
        raise PartitionTableError(f"at {offset:#x}: {error}") from error
    return PartitionTable(offset, found)


def find(read: Read, expected: int | None = None) -> PartitionTable | None:
    """The table, wherever it is; None where there is none.

    Args:
        read: reads flash.
        expected: where the build that runs on the board has it, None where that is not known.

    Raises:
        PartitionTableError: there is one that ESP-IDF refuses.
        BoardError: the flash cannot be read.
    """
    refused: PartitionTableError | None = None
    for offset in dict.fromkeys(
        (PARTITION_TABLE_OFFSET if expected is None else expected, PARTITION_TABLE_OFFSET)
    ):
        try:
            found = read_at(read, offset)
        except PartitionTableError as error:
            refused = refused or error
        else:
            if found is not None:
                return found
    start, end = SEARCHED
    searched = read(start, end - start)
    for at in range(0, len(searched), TABLE_SECTOR):
        data = searched[at : at + MAX_BYTES]
        if data.startswith(partitions.MAGIC) and _DIGEST in data:
            try:
                return PartitionTable(start + at, partitions.parse(data))
            except PartitionTableError:
                continue
    if refused is not None:
        raise refused
    return None


def place_app(app: Image, whole: Image, read: Read, say: Callable[[str], None]) -> Image:
    """An image with an app alone, put where the board starts it.

    After an update over the air a board starts another slot than the one that a build is flashed
    into, as its OTA data say; an app that is written elsewhere would never run.

    Args:
        app: the app alone.
        whole: the image that it is of; one without OTA data has no choice of slots.
        read: reads the board's flash.
        say: told where the app goes, if that is another place.

    Raises:
        BoardError: the flash cannot be read, or the app is too large for the slot.
        PartitionTableError: the image's own table is refused.
        OSError: a file of the image cannot be read.
    """
    tables = [each for each in whole.parts if each.kind is ArtifactKind.PARTITION_TABLE]
    if not tables or ota_data(partitions.read(tables[0].path)) is None:
        return app
    try:
        found = find(read, tables[0].offset)
    except PartitionTableError:  # an encrypted flash is not to be read; a broken one is written
        found = None
    records = ota_data(found.partitions) if found is not None else None
    if found is None or records is None:
        return app
    slot = selected_app(found.partitions, read(records.offset, 2 * SECTOR))
    (part,) = app.parts
    if slot is None or slot.offset == part.offset:
        return app
    size = part.path.stat().st_size
    if size > slot.size:
        raise BoardError(
            f"{part.path.name} has {size} bytes; {slot.label}, which the board starts, "
            f"has room for {slot.size}: flash the whole image"
        )
    say(f"the board starts {slot.label}: the app goes to {slot.offset:#x}")
    return replace(app, parts=(replace(part, offset=slot.offset),))
