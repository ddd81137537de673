"""Which app a chip starts, as its bootloader reads the OTA data."""

from __future__ import annotations

import binascii
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.images.boot_selection import default_app, selected_app, smallest_partition_for
from engine.images.partitions import Partition

FACTORY = Partition("factory", 0, 0x00, 0x10000, 0x100000)
OTA_0 = Partition("ota_0", 0, 0x10, 0x110000, 0x180000)
OTA_1 = Partition("ota_1", 0, 0x11, 0x290000, 0x180000)
TEST = Partition("test", 0, 0x20, 0x410000, 0x10000)
TEE = Partition("tee_0", 0, 0x30, 0x420000, 0x30000)
NVS = Partition("nvs", 1, 0x02, 0x9000, 0x4000)
OTA = Partition("otadata", 1, 0x00, 0xD000, 0x2000)
SLOTS = (NVS, OTA, OTA_0, OTA_1)

VALID, INVALID, ABORTED, UNDEFINED = 2, 3, 4, 0xFFFFFFFF


def record(sequence: int, state: int = UNDEFINED, *, crc: int | None = None) -> bytes:
    number = sequence.to_bytes(4, "little")
    if crc is None:
        crc = binascii.crc32(number, 0xFFFFFFFF)
    return struct.pack("<L20sLL", sequence, b"\xff" * 20, state, crc)


ERASED = b"\xff" * 32


def records(first: bytes = ERASED, second: bytes = ERASED) -> bytes:
    return first.ljust(0x1000, b"\xff") + second.ljust(0x1000, b"\xff")


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ((NVS, OTA_1, FACTORY, OTA_0), "factory"),
        ((NVS, OTA_1, OTA_0), "ota_0"),
        ((NVS, OTA_1), "ota_1"),
        ((TEE, TEST), "test"),
        ((NVS, TEE), None),
        ((), None),
    ],
)
def test_without_an_update_the_first_app_by_kind_is_started(
    table: tuple[Partition, ...], name: str | None
) -> None:
    found = default_app(table)

    assert (found.label if found else None) == name


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (ERASED, ERASED, "ota_0"),
        (record(1), ERASED, "ota_0"),
        (record(2), ERASED, "ota_1"),
        (record(1), record(2), "ota_1"),
        (record(3), record(2), "ota_0"),
        (record(7, VALID), record(6, VALID), "ota_0"),
        (record(1), record(2, INVALID), "ota_0"),
        (record(1), record(2, ABORTED), "ota_0"),
        (record(2, INVALID), record(4, ABORTED), "ota_0"),
        (record(1), record(2, crc=1), "ota_0"),
        (record(2, crc=1), record(4, crc=1), "ota_0"),
        (record(0), ERASED, "ota_1"),  # 0 - 1 goes around
    ],
)
def test_the_newest_valid_update_is_started(first: bytes, second: bytes, name: str) -> None:
    found = selected_app(SLOTS, records(first, second))

    assert found is not None
    assert found.label == name


def test_factory_is_what_is_left_when_no_update_is_valid() -> None:
    table = (FACTORY, *SLOTS)

    assert selected_app(table, records()) == FACTORY
    assert selected_app(table, records(record(2))) == OTA_1
    assert selected_app(table, records(record(2, crc=7))) == FACTORY
    assert selected_app(table, b"") == FACTORY
    assert selected_app((FACTORY, OTA), records(record(2))) == FACTORY


def test_an_app_is_measured_against_the_smallest_partition_that_it_fits_into() -> None:
    table = (FACTORY, OTA_0, TEE)

    assert smallest_partition_for(table, 0x1000) == FACTORY
    assert smallest_partition_for(table, 0x100001) == OTA_0
    assert smallest_partition_for(table, 0x900000) == OTA_0
    assert smallest_partition_for((NVS, TEE), 1) is None


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_whatever_the_records_hold_an_app_is_chosen(first: bytes, second: bytes) -> None:
    found = selected_app(SLOTS, records(first[:32], second[:32]))

    assert found in (OTA_0, OTA_1)
