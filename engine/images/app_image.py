"""What the header of an app binary says, and where the app goes in flash.

ESP-IDF, ``bootloader_support/include/esp_app_format.h``: ``esp_image_header_t`` and
``esp_chip_id_t``; the same in esptool's documentation, "Firmware Image Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.files import open_file
from engine.images.boot_selection import default_app, smallest_partition_for
from engine.images.image import MemoryRegion
from engine.images.partitions import Partition

DEFAULT_OFFSET = 0x10000
"""Where the app is when no partition table says otherwise."""

# Magic, segments, SPI mode, speed and size of flash, entry, WP pin, drive settings, chip.
_HEADER = struct.Struct("<BBBBIB3sH")
_MAGIC = 0xE9
CHIP_IDS = {
    0x0000: "esp32",
    0x0002: "esp32s2",
    0x0005: "esp32c3",
    0x0009: "esp32s3",
    0x000C: "esp32c2",
    0x000D: "esp32c6",
    0x0010: "esp32h2",
    0x0012: "esp32p4",
    0x0014: "esp32c61",
    0x0017: "esp32c5",
    0x0019: "esp32h21",
    0x001C: "esp32h4",
    0x001F: "esp32e22",
    0x0020: "esp32s31",
}
"""Chips by their number (``esp_chip_id_t``)."""

CHIPS = frozenset(CHIP_IDS.values())
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
    with open_file(path) as stream:
        data = stream.read(_HEADER.size)
    if len(data) < _HEADER.size:
        return None
    magic, _segments, _mode, flash, _entry, _pin, _drive, chip = _HEADER.unpack(data)
    if magic != _MAGIC:
        return None
    return AppHeader(CHIP_IDS.get(chip), 1 << (20 + min(flash >> 4, 7)))


def app_offset(table: Sequence[Partition]) -> int:
    """Where the bootloader looks for the app, when no update was installed."""
    app = default_app(table)
    return app.offset if app is not None else DEFAULT_OFFSET


def app_regions(app: Path, table: Sequence[Partition]) -> tuple[MemoryRegion, ...]:
    """How full the smallest app partition is that an app fits into.

    ESP-IDF measures against the smallest (``partition_table/check_sizes.py``), and refuses an app
    only where it fits into none. One that does not fit where it is flashed and started from is told
    by that partition all the same: the bootloader refuses it ("Image length … doesn't fit in
    partition length …", ``esp_image_format.c``).

    Raises:
        OSError: the app cannot be read.
    """
    used = app.stat().st_size
    start = default_app(table)
    room = start if start is not None and start.size < used else smallest_partition_for(table, used)
    if room is None:
        return (MemoryRegion("app", used, None),)
    return (MemoryRegion(f"partition {room.label}", used, room.size),)
