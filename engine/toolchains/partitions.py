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
_DATA = 0x01
_OTA = 0x10

# The guide, "Type field" and "SubType".
_TYPES = {APP: "app", _DATA: "data"}
_SUBTYPES = {
    (APP, 0x00): "factory",
    (APP, 0x20): "test",
    (_DATA, 0x00): "ota",
    (_DATA, 0x01): "phy",
    (_DATA, 0x02): "nvs",
    (_DATA, 0x03): "coredump",
    (_DATA, 0x04): "nvs_keys",
    (_DATA, 0x05): "efuse",
    (_DATA, 0x06): "undefined",
    (_DATA, 0x81): "fat",
    (_DATA, 0x82): "spiffs",
    (_DATA, 0x83): "littlefs",
}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; offset and size in bytes."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int

    @property
    def type_name(self) -> str:
        """The type as ESP-IDF's table of text spells it, a number where it has no name."""
        return _TYPES.get(self.type, f"{self.type:#04x}")

    @property
    def subtype_name(self) -> str:
        """The subtype likewise."""
        if self.type == APP and _OTA <= self.subtype < _OTA + 16:
            return f"ota_{self.subtype - _OTA}"
        return _SUBTYPES.get((self.type, self.subtype), f"{self.subtype:#04x}")


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
