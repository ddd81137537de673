"""ESP-IDF's binary partition table, read as strictly as its bootloader does.

Format: ESP-IDF Programming Guide, "Partition Tables"; ``esp_partition_info_t`` in
``bootloader_support/include/esp_flash_partitions.h``. What a valid table is:
``esp_partition_table_verify`` in ``bootloader_support/src/flash_partitions.c``.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ToolError
from engine.files import open_file

MAX_BYTES = 0xC00
"""The most that a partition table may take."""

PARTITION_TABLE_OFFSET = 0x8000
"""Where the table is, unless ``CONFIG_PARTITION_TABLE_OFFSET`` says otherwise."""

TABLE_SECTOR = 0x1000
"""Bytes of flash that are the table's: it may be signed behind its end."""

MAGIC = b"\xaa\x50"
"""How an entry begins."""

APP, DATA, BOOTLOADER, PARTITION_TABLE = 0x00, 0x01, 0x02, 0x03
"""Types: a program, data, a bootloader, a partition table."""

FACTORY, OTA_0, OTA_SLOTS, TEST = 0x00, 0x10, 16, 0x20
"""Subtypes of a program: the first, the first of the slots for updates and their number, a test."""

TEE_0, TEE_SLOTS = 0x30, 2
"""Subtypes of a program for the trusted execution environment, which is no app to start."""

OTA_DATA, NVS, CORE_DUMP, TEE_OTA_DATA = 0x00, 0x02, 0x03, 0x90
"""Subtypes of data of which there are rules."""

PRIMARY = 0x00
"""Subtype of the bootloader and of the table that are in use."""

# Magic, type, subtype, offset, size, label, flags: little endian, 32 bytes.
_ENTRY = struct.Struct("<2sBBLL16sL")
_MD5_MAGIC = b"\xeb\xeb"
_END = b"\xff\xff\xff\xff"  # no magic, and the type and the subtype that end a table

# components/partition_table/gen_esp32part.py, TYPES and SUBTYPES (ESP-IDF 6).
TYPES = {
    APP: "app",
    DATA: "data",
    BOOTLOADER: "bootloader",
    PARTITION_TABLE: "partition_table",
}
"""Names of types, as in a table of text."""

SUBTYPES = {
    (APP, FACTORY): "factory",
    **{(APP, OTA_0 + slot): f"ota_{slot}" for slot in range(OTA_SLOTS)},
    (APP, TEST): "test",
    **{(APP, TEE_0 + slot): f"tee_{slot}" for slot in range(TEE_SLOTS)},
    (DATA, OTA_DATA): "ota",
    (DATA, 0x01): "phy",
    (DATA, NVS): "nvs",
    (DATA, CORE_DUMP): "coredump",
    (DATA, 0x04): "nvs_keys",
    (DATA, 0x05): "efuse",
    (DATA, 0x06): "undefined",
    (DATA, 0x80): "esphttpd",
    (DATA, 0x81): "fat",
    (DATA, 0x82): "spiffs",
    (DATA, 0x83): "littlefs",
    (DATA, TEE_OTA_DATA): "tee_ota",
    (BOOTLOADER, PRIMARY): "primary",
    (BOOTLOADER, 0x01): "ota",
    (BOOTLOADER, 0x02): "recovery",
    (PARTITION_TABLE, PRIMARY): "primary",
    (PARTITION_TABLE, 0x01): "ota",
}
"""Names of subtypes, by type and subtype."""

FLAGS = {0x1: "encrypted", 0x2: "readonly"}
"""Names of flags, by their bit."""


class PartitionTableError(ToolError):
    """A partition table that ESP-IDF refuses; the message says why."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; offset and size in bytes, flags as bits."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int
    flags: int = 0

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.size

    @property
    def type_name(self) -> str:
        """The type as ESP-IDF's table of text spells it, a number where it has no name."""
        return TYPES.get(self.type, f"{self.type:#04x}")

    @property
    def subtype_name(self) -> str:
        """The subtype likewise."""
        return SUBTYPES.get((self.type, self.subtype), f"{self.subtype:#04x}")

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The flags that are set likewise."""
        bits = (1 << bit for bit in range(32))
        return tuple(FLAGS.get(bit, f"{bit:#x}") for bit in bits if self.flags & bit)


def read(path: Path) -> tuple[Partition, ...]:
    """Read a file with a partition table; as :func:`parse`.

    Raises:
        PartitionTableError: the table is refused; names the file.
        OSError: the file cannot be read.
    """
    with open_file(path) as stream:
        data = stream.read(MAX_BYTES)
    try:
        return parse(data)
    except PartitionTableError as error:
        raise PartitionTableError(f"{path.name}: {error}") from error


def parse(data: bytes) -> tuple[Partition, ...]:
    """Read a partition table.

    Args:
        data: the table, from its first byte; what is behind its end does not matter.

    Returns:
        The partitions in their order; none where there is erased flash.

    Raises:
        PartitionTableError: an entry is none, the MD5 is wrong or there twice, or the table has no
            end.
    """
    found: list[Partition] = []
    has_digest = False
    data = data[:MAX_BYTES]
    if not data.strip(b"\xff"):
        return ()
    for at in range(0, len(data) - _ENTRY.size + 1, _ENTRY.size):
        raw = data[at : at + _ENTRY.size]
        if raw.startswith(MAGIC):
            found.append(_partition(raw))
        elif raw.startswith(_MD5_MAGIC):
            if has_digest:
                raise PartitionTableError("the partition table has two MD5 checksums")
            # Of integrity, not of secrecy: the format says MD5.
            if hashlib.md5(data[:at], usedforsecurity=False).digest() != raw[16:]:
                raise PartitionTableError("the partition table's MD5 checksum is wrong")
            has_digest = True
        elif at and raw.startswith(_END):
            return tuple(found)
        else:
            raise PartitionTableError(
                f"entry {at // _ENTRY.size} of the partition table begins with "
                f"{raw[:2].hex()}, not with {MAGIC.hex()}"
            )
    raise PartitionTableError("the partition table has no end")


def alignment(partition: Partition) -> int:
    """What the offset of a partition is a multiple of: of an app the page of the flash cache."""
    return 0x10000 if partition.type == APP else 0x1000


def _partition(raw: bytes) -> Partition:
    _magic, kind, subtype, offset, size, label, flags = _ENTRY.unpack(raw)
    name = label.partition(b"\0")[0].decode("utf-8", "replace")
    return Partition(name, kind, subtype, offset, size, flags)
