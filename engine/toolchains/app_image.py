"""What the header of an app binary says, and where the app goes in flash.

ESP-IDF, ``bootloader_support/include/esp_app_format.h``: ``esp_image_header_t`` and
``esp_chip_id_t``; the same in esptool's documentation, "Firmware Image Format".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from engine.toolchains import partitions

DEFAULT_OFFSET = 0x10000
"""Where the app is when no partition table says otherwise."""

# Magic, segments, SPI mode, speed and size of flash, entry, WP pin, drive settings, chip.
_HEADER = struct.Struct("<BBBBIB3sH")
_MAGIC = 0xE9
_CHIPS = {
    0x0000: "esp32",
    0x0002: "esp32s2",
    0x0005: "esp32c3",
    0x0009: "esp32s3",
    0x000C: "esp32c2",
    0x000D: "esp32c6",
    0x0010: "esp32h2",
    0x0012: "esp32p4",
}
CHIPS = frozenset(_CHIPS.values())
"""Chips that an app can be for."""


@dataclass(frozen=True, slots=True)
class AppHeader:
    """Which chip an app is for, None where not known, and the bytes of flash that it expects."""

    chip: str | None
    flash_size: int


def read_header(path: Path) -> AppHeader | None:
    """The header of an app binary; None when it has none.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        data = stream.read(_HEADER.size)
    if len(data) < _HEADER.size:
        return None
    magic, _segments, _mode, flash, _entry, _pin, _drive, chip = _HEADER.unpack(data)
    if magic != _MAGIC:
        return None
    return AppHeader(_CHIPS.get(chip), 1 << (20 + min(flash >> 4, 7)))


def app_offset(table: bytes) -> int:
    """Where the bootloader looks for the app first: the first partition for one."""
    offsets = [each.offset for each in partitions.parse(table) if each.type == partitions.APP]
    return min(offsets, default=DEFAULT_OFFSET)
