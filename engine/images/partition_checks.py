"""What is wrong with a partition table that can be read: what ESP-IDF's build refuses.

``components/partition_table/gen_esp32part.py`` of ESP-IDF 6 (``verify``); the bootloader, which
takes such a table, starts what it can of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from engine.images.flash_layout import FlashLayout
from engine.images.partitions import (
    APP,
    BOOTLOADER,
    CORE_DUMP,
    DATA,
    NVS,
    OTA_DATA,
    PARTITION_TABLE,
    PRIMARY,
    SUBTYPES,
    TEE_OTA_DATA,
    Partition,
    alignment,
)

_OTA_DATA_BYTES = 0x2000
_NVS_BYTES = 0x3000  # that NVS needs to be written


def find_partition_problems(table: Sequence[Partition], layout: FlashLayout) -> tuple[str, ...]:
    """What ``gen_esp32part.py`` finds wrong with a table that can be read; the bootloader does not.

    Args:
        table: the partitions.
        layout: where the table is, and how large the flash.
    """
    found = [problem for each in table for problem in _problems_of(each, layout)]
    labels = [each.label for each in table]
    found += [
        f"{labels.count(label)} partitions are called {label}"
        for label in dict.fromkeys(labels)
        if labels.count(label) > 1
    ]
    ordered = sorted(table, key=lambda each: each.offset)
    found += [
        f"{after.label} at {after.offset:#x} overlaps {before.label}, which ends at {before.end:#x}"
        for before, after in itertools.pairwise(ordered)
        if after.offset < before.end
    ]
    for subtype in (OTA_DATA, TEE_OTA_DATA):
        held = [each for each in table if (each.type, each.subtype) == (DATA, subtype)]
        name = SUBTYPES[DATA, subtype]
        if len(held) > 1:
            found.append(f"there are {len(held)} partitions of type data, {name}; one is allowed")
        elif held and held[0].size != _OTA_DATA_BYTES:
            found.append(f"{held[0].label} (data, {name}) has {held[0].size:#x} bytes, not 0x2000")
    return tuple(found)


def _problems_of(each: Partition, layout: FlashLayout) -> list[str]:
    found = []
    if each.offset % alignment(each):
        found.append(f"{each.label} at {each.offset:#x} is not aligned to {alignment(each):#x}")
    if each.type == APP and each.size % 0x1000:
        found.append(f"the size of {each.label}, {each.size:#x}, is not a multiple of 0x1000")
    is_first = each.type in (BOOTLOADER, PARTITION_TABLE) and each.subtype == PRIMARY
    if each.offset < layout.first_free and not is_first:
        found.append(
            f"{each.label} at {each.offset:#x} is before {layout.first_free:#x}, "
            "where the partition table ends"
        )
    is_read_only = "readonly" in each.flag_names
    if each.type == DATA and each.subtype in (OTA_DATA, CORE_DUMP) and is_read_only:
        found.append(f"{each.label} is written by the firmware and cannot be readonly")
    if (each.type, each.subtype) == (DATA, NVS) and each.size < _NVS_BYTES and not is_read_only:
        found.append(f"{each.label} (NVS) needs {_NVS_BYTES:#x} bytes, or the flag readonly")
    if layout.flash_size is not None and each.end > layout.flash_size:
        found.append(
            f"{each.label} goes up to {each.end:#x}, the flash has {layout.flash_size:#x} bytes"
        )
    return found
