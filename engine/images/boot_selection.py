"""Which app of a partition table ESP-IDF's bootloader starts, and the size that an app may have.

``bootloader_support/src/bootloader_utility.c`` (``bootloader_utility_get_selected_boot_partition``)
and ``bootloader_common_loader.c``; without a look at the flash the same as ``parttool.py
--partition-boot-default``, and as ``partition_table/check_sizes.py`` for sizes.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from engine.images.partitions import (
    APP,
    DATA,
    FACTORY,
    OTA_0,
    OTA_DATA,
    OTA_SLOTS,
    TEE_0,
    TEE_SLOTS,
    TEST,
    Partition,
)

SECTOR = 0x1000
"""Bytes between the two records of which slot is started; each has a sector of flash."""

# Sequence number, label, state, CRC32 of the number (esp_ota_select_entry_t).
_RECORD = struct.Struct("<L20sLL")
_NEVER = 0xFFFFFFFF
_INVALID, _ABORTED = 3, 4  # of esp_ota_img_states_t: apps that are not started again


@dataclass(frozen=True, slots=True)
class _Record:
    sequence: int
    state: int
    crc: int

    @property
    def is_usable(self) -> bool:
        return self.sequence != _NEVER and self.state not in (_INVALID, _ABORTED)

    @property
    def is_valid(self) -> bool:
        crc = binascii.crc32(self.sequence.to_bytes(4, "little"), 0xFFFFFFFF)
        return self.is_usable and self.crc == crc


def default_app(table: Sequence[Partition]) -> Partition | None:
    """The app that is started where no update says otherwise, None where the table has none."""
    order = (FACTORY, *range(OTA_0, OTA_0 + OTA_SLOTS), TEST)
    apps = _by_subtype(table)
    return next((apps[subtype] for subtype in order if subtype in apps), None)


def ota_data(table: Sequence[Partition]) -> Partition | None:
    """The partition that says which slot is started, None where the table has none."""
    found = [each for each in table if (each.type, each.subtype) == (DATA, OTA_DATA)]
    return found[-1] if found else None


def selected_app(table: Sequence[Partition], records: bytes) -> Partition | None:
    """The app that is started.

    Args:
        table: the partition table.
        records: the first two sectors of :func:`ota_data`; empty where there is none.

    Returns:
        None where the table has no app that can be started.
    """
    default, apps = default_app(table), _by_subtype(table)
    slots = sum(OTA_0 <= each.subtype < OTA_0 + OTA_SLOTS for each in table if each.type == APP)
    if not slots or len(records) < SECTOR + _RECORD.size:
        return default
    valid = [each for each in (_record(records, 0), _record(records, SECTOR)) if each.is_valid]
    if not valid:
        return default
    newest = max(valid, key=lambda each: each.sequence)
    # The number counts the updates from 1 on, which go around the slots.
    return apps.get(OTA_0 + ((newest.sequence - 1) & 0xFFFFFFFF) % slots, default)


def smallest_partition_for(table: Sequence[Partition], size: int) -> Partition | None:
    """The smallest app partition that an app of ``size`` bytes fits into.

    Where it fits into none: the largest. None where the table has no app partition.
    """
    apps = [each for each in table if each.type == APP and not _is_tee(each)]
    fitting = [each for each in apps if each.size >= size]
    if fitting:
        return min(fitting, key=lambda each: each.size)
    return max(apps, key=lambda each: each.size, default=None)


def smallest_app(table: Sequence[Partition]) -> Partition | None:
    """The smallest app partition, against which ESP-IDF measures; None where there is none."""
    apps = [each for each in table if each.type == APP and not _is_tee(each)]
    return min(apps, key=lambda each: each.size, default=None)


def _is_tee(partition: Partition) -> bool:
    return TEE_0 <= partition.subtype < TEE_0 + TEE_SLOTS


def _by_subtype(table: Sequence[Partition]) -> dict[int, Partition]:
    """Apps by subtype; of two the last, which the bootloader remembers."""
    return {each.subtype: each for each in table if each.type == APP}


def _record(records: bytes, at: int) -> _Record:
    sequence, _label, state, crc = _RECORD.unpack_from(records, at)
    return _Record(sequence, state, crc)
