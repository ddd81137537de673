"""Partition tables in flash: wherever they are, and where an app goes by them."""

from __future__ import annotations

import binascii
import struct
from pathlib import Path

import pytest

from engine.boards.partition_table import find, place_app, read_at
from engine.enums import ArtifactKind
from engine.errors import BoardError
from engine.images.image import FlashPart, Image
from engine.images.partitions import PartitionTableError
from tests.engine.toolchains.tables import entry, whole

NVS = entry(1, 2, 0x19000, 0x6000, "nvs")
OTA_DATA = entry(1, 0, 0xE000, 0x2000, "otadata")
SLOTS = (
    entry(0, 0x10, 0x10000, 0x10000, "app0"),
    entry(0, 0x11, 0x20000, 0x8000, "app1"),
)
TABLE = whole(NVS, entry(0, 0, 0x20000, 0x100000, "factory"))
OTA_TABLE = whole(OTA_DATA, *SLOTS)


class Flash:
    """Flash with some things in it, that counts how often it is read."""

    def __init__(self, contents: dict[int, bytes]) -> None:
        self._flash = bytearray(b"\xff" * 0x40000)
        self.reads: list[int] = []
        for offset, data in contents.items():
            self._flash[offset : offset + len(data)] = data

    def read(self, offset: int, size: int) -> bytes:
        self.reads.append(offset)
        return bytes(self._flash[offset : offset + size])


def broken(table: bytes) -> bytes:
    return table[:40] + b"\x55" + table[41:]


@pytest.mark.parametrize("offset", [0x8000, 0x9000, 0xF000, 0x10000, 0x1F000, 0x5000])
def test_a_table_is_found_at_any_sector(offset: int) -> None:
    found = find(Flash({offset: TABLE}).read)

    assert found is not None
    assert (found.offset, found.partitions[1].label) == (offset, "factory")


def test_where_the_build_has_it_is_looked_first() -> None:
    flash = Flash({0x8000: OTA_TABLE, 0x10000: TABLE})

    found = find(flash.read, 0x10000)

    assert found is not None
    assert (found.offset, flash.reads) == (0x10000, [0x10000])


@pytest.mark.parametrize("expected", [None, 0x8000, 0x10000])
def test_what_is_left_of_other_firmware_is_no_table(expected: int | None) -> None:
    flash = Flash({0x8000: broken(TABLE), 0x3000: TABLE[:64], 0xC000: OTA_TABLE})

    found = find(flash.read, expected)

    assert found is not None
    assert found.offset == 0xC000


def test_a_table_that_is_refused_is_said_where_there_is_no_other() -> None:
    with pytest.raises(PartitionTableError, match="at 0x8000: the partition table's MD5"):
        find(Flash({0x8000: broken(TABLE)}).read)


@pytest.mark.parametrize("content", [b"", b"\0" * 0x2000, b"\xe9" * 0x2000])
def test_what_begins_like_no_table_is_none(content: bytes) -> None:
    flash = Flash({0x8000: content})

    assert find(flash.read) is None
    assert read_at(flash.read, 0x8000) is None


def test_where_a_person_says_it_is_nowhere_else_is_looked() -> None:
    flash = Flash({0x8000: TABLE})

    assert read_at(flash.read, 0x9000) is None
    assert flash.reads == [0x9000]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    table, app = tmp_path / "partition-table.bin", tmp_path / "hub.bin"
    table.write_bytes(OTA_TABLE)
    app.write_bytes(bytes(0x5000))
    parts = (
        FlashPart(0x8000, table, ArtifactKind.PARTITION_TABLE),
        FlashPart(0x10000, app, ArtifactKind.APP),
    )
    return Image("esp32c3", tmp_path / "hub.elf", parts)


def app_of(image: Image) -> Image:
    return Image(image.target, image.elf, image.parts[1:])


def update(sequence: int) -> bytes:
    number = sequence.to_bytes(4, "little")
    crc = binascii.crc32(number, 0xFFFFFFFF)
    return struct.pack("<L20sLL", sequence, b"\xff" * 20, 2, crc)


def place(image: Image, flash: Flash) -> tuple[int, list[str]]:
    said: list[str] = []
    placed = place_app(app_of(image), image, flash.read, said.append)
    return placed.parts[0].offset, said


def test_an_app_goes_where_the_board_starts_it(image: Image) -> None:
    flash = Flash({0x8000: OTA_TABLE, 0xE000: update(2)})

    assert place(image, flash) == (0x20000, ["the board starts app1: the app goes to 0x20000"])


@pytest.mark.parametrize(
    "contents",
    [
        {0x8000: OTA_TABLE},
        {0x8000: OTA_TABLE, 0xE000: update(1)},
        {0x8000: OTA_TABLE, 0xE000: update(2), 0xF000: update(3)},
        {0x8000: TABLE},
        {0x8000: broken(OTA_TABLE), 0xE000: update(2)},
        {},
    ],
)
def test_an_app_stays_where_the_build_has_it_otherwise(
    image: Image, contents: dict[int, bytes]
) -> None:
    assert place(image, Flash(contents)) == (0x10000, [])


def test_without_ota_data_nothing_is_asked(image: Image) -> None:
    image.parts[0].path.write_bytes(TABLE)
    flash = Flash({0x8000: OTA_TABLE, 0xE000: update(2)})

    assert place(image, flash) == (0x10000, [])
    assert flash.reads == []


def test_an_app_that_does_not_fit_there_is_refused(image: Image) -> None:
    image.parts[1].path.write_bytes(bytes(0x9000))
    flash = Flash({0x8000: OTA_TABLE, 0xE000: update(2)})

    with pytest.raises(BoardError, match=r"hub.bin has 36864 bytes; app1.* room for 32768"):
        place(image, flash)
