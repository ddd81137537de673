"""Where a project's configuration puts bootloaders and partition table (``sdkconfig``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.images import sdkconfig
from engine.images.partitions import PARTITION_TABLE_OFFSET, TABLE_SECTOR

_OFFSET = re.compile(r"0[xX][0-9a-fA-F]{1,8}|0|[1-9][0-9]{0,9}")
_FLASH_SIZE = re.compile(r'"([0-9]{1,4})MB"')


@dataclass(frozen=True, slots=True)
class FlashLayout:
    """What a project's configuration says of its flash; offsets and sizes in bytes.

    Args:
        table: where the partition table is.
        bootloader, recovery: where the bootloaders are, None where not known.
        flash_size: None where not known.
    """

    table: int = PARTITION_TABLE_OFFSET
    bootloader: int | None = None
    recovery: int | None = None
    flash_size: int | None = None

    @property
    def first_free(self) -> int:
        """The first byte behind the partition table."""
        return self.table + TABLE_SECTOR


def read_flash_layout(folder: Path) -> FlashLayout:
    """What ``sdkconfig``, else ``sdkconfig.defaults`` of a project's folder says of its flash."""
    for name in ("sdkconfig", "sdkconfig.defaults"):
        try:
            return _layout(sdkconfig.read(folder / name))
        except OSError:
            continue
    return FlashLayout()


def _layout(options: Mapping[str, str]) -> FlashLayout:
    def number(name: str) -> int | None:
        text = options.get(f"CONFIG_{name}", "")
        return int(text, 0) if _OFFSET.fullmatch(text) else None

    size = _FLASH_SIZE.fullmatch(options.get("CONFIG_ESPTOOLPY_FLASHSIZE", ""))
    return FlashLayout(
        table=number("PARTITION_TABLE_OFFSET") or PARTITION_TABLE_OFFSET,
        bootloader=number("BOOTLOADER_OFFSET_IN_FLASH"),
        recovery=number("BOOTLOADER_RECOVERY_OFFSET"),
        flash_size=int(size[1]) << 20 if size else None,
    )
