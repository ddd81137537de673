"""ESP-IDF's binary partition table (ESP-IDF Programming Guide, "Partition Tables")."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_BYTES = 0xC00
"""The most that a partition table may take."""

APP = 0x00
"""Type of partitions that hold a program."""

# Magic, type, subtype, offset, size, label, flags: little endian, 32 bytes
# (esp_partition_info_t in bootloader_support/include/esp_flash_partitions.h).
_ENTRY = struct.Struct("<2sBBLL16sL")
_MAGIC = b"\xaa\x50"


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; offset and size in bytes."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int


def parse(data: bytes) -> tuple[Partition, ...]:
    """Read a partition table up to its first entry that is none: the checksum, or erased flash."""
    found = []
    whole = min(len(data), MAX_BYTES) // _ENTRY.size * _ENTRY.size
    for magic, kind, subtype, offset, size, label, _flags in _ENTRY.iter_unpack(data[:whole]):
        if magic != _MAGIC:
            break
        name = label.partition(b"\0")[0].decode("utf-8", "replace")
        found.append(Partition(name, kind, subtype, offset, size))
    return tuple(found)
