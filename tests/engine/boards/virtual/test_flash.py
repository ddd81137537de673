from __future__ import annotations

import functools
import hashlib
import operator
import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.boards.virtual.flash import Cipher, Flash, Program, read_program
from engine.images.image import Image
from engine.images.partitions import PARTITION_TABLE_OFFSET

ERASED = b"\xff" * 0x10000
APP, OTA_DATA = (0, 0), (1, 0)
OTA_0, OTA_1 = (0, 0x10), (0, 0x11)


def table(*parts: tuple[tuple[int, int], int]) -> bytes:
    """A partition table with its checksum: types and offsets."""
    entries = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", *kind, offset, 0x20000, b"part", 0)
        for kind, offset in parts
    )
    digest = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries, usedforsecurity=False).digest()
    return (entries + digest).ljust(0xC00, b"\xff")


def chosen(sequence: int, state: int = 0xFFFFFFFF) -> bytes:
    """One of the two entries of ``otadata``."""
    number = struct.pack("<I", sequence)
    return number + b"\xff" * 20 + struct.pack("<II", state, zlib.crc32(number, 0xFFFFFFFF))


def flash_of(*content: tuple[int, bytes]) -> bytearray:
    flash = bytearray(b"\xff" * 0x80000)
    for offset, data in content:
        flash[offset : offset + len(data)] = data
    return flash


def image_of(code: bytes) -> bytes:
    """An image for an ESP32-C3 with one segment (esptool documentation, "Image Format")."""
    code = code.ljust(64, b"\0")
    header = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40384000)
    header += struct.pack("<B3xHBHH4xB", 0xEE, 5, 0, 0, 0xFFFF, 0)
    body = header + struct.pack("<II", 0x40384000, len(code)) + code
    checksum = functools.reduce(operator.xor, code, 0xEF)
    return body.ljust(len(body) // 16 * 16 + 15, b"\0") + bytes([checksum])


@settings(max_examples=50)
@given(st.binary(max_size=200), st.binary(max_size=100), st.sampled_from([0x8000, 0x9000]))
def test_whatever_is_in_flash_is_read_without_trouble(app: bytes, parts: bytes, at: int) -> None:
    flash = bytearray(ERASED)
    flash[1 : 1 + len(app)] = app
    flash[0] = 0xE9
    flash[at : at + 2 + len(parts)] = b"\xaa\x50" + parts

    read_program(flash, "esp32c3")


def test_an_image_with_one_wrong_bit_is_no_program(
    built_sample: Callable[[str], Image],
) -> None:
    app = built_sample("hello").parts[0].path.read_bytes()
    flash = bytearray(app + ERASED)
    assert read_program(flash, "esp32c3") is not None

    flash[len(app) // 2] ^= 1

    assert read_program(flash, "esp32c3") is None


@pytest.mark.slow
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=50)), max_size=5),
)
def test_a_program_survives_the_way_through_an_elf_file(
    entry: int, segments: list[tuple[int, bytes]]
) -> None:
    elf = ELFFile(BytesIO(Program(entry, tuple(segments)).elf()))

    assert elf.header["e_entry"] == entry
    assert elf["e_machine"] == "EM_RISCV"
    assert [(part["p_vaddr"], part.data()) for part in elf.iter_segments()] == segments


@pytest.mark.parametrize("at", [PARTITION_TABLE_OFFSET, 0x9000, 0xF000, 0x20000])
def test_the_app_is_found_wherever_the_partition_table_is(
    at: int, built_sample: Callable[[str], Image]
) -> None:
    hello = built_sample("hello").parts[0].path.read_bytes()
    bootloader = image_of(b"2nd stage bootloader")

    found = read_program(flash_of((0, bootloader), (at, table((APP, 0x30000))), (0x30000, hello)),
                         "esp32c3")  # fmt: skip

    assert found == read_program(flash_of((0, hello)), "esp32c3")


@pytest.mark.parametrize("at", [PARTITION_TABLE_OFFSET, 0x20000])
def test_a_program_without_a_bootloader_starts_whatever_was_flashed_before(
    at: int, built_sample: Callable[[str], Image]
) -> None:
    hello = built_sample("hello").parts[0].path.read_bytes()
    crash = built_sample("crash").parts[0].path.read_bytes()

    found = read_program(flash_of((0, crash), (at, table((APP, 0x30000))), (0x30000, hello)),
                         "esp32c3")  # fmt: skip

    assert found == read_program(flash_of((0, crash)), "esp32c3")


def test_a_bootloader_without_logs_is_known_by_its_description(
    built_sample: Callable[[str], Image],
) -> None:
    hello = built_sample("hello").parts[0].path.read_bytes()
    silent = image_of(b"\x50" + bytes(3) + b"\1" + bytes(3) + b"v5.5.1")
    parts = (PARTITION_TABLE_OFFSET, table((APP, 0x30000)))

    found = read_program(flash_of((0, silent), parts, (0x30000, hello)), "esp32c3")

    assert found == read_program(flash_of((0, hello)), "esp32c3")


def test_a_table_whose_app_was_written_over_has_no_say(
    built_sample: Callable[[str], Image],
) -> None:
    hello = built_sample("hello").parts[0].path.read_bytes()
    earlier = (PARTITION_TABLE_OFFSET, table((APP, 0x10000)))
    flash = flash_of(earlier, (0x10000, table((APP, 0x20000))), (0x20000, hello))

    assert read_program(flash, "esp32c3") == read_program(flash_of((0, hello)), "esp32c3")


def test_bytes_like_a_table_in_a_program_are_none(built_sample: Callable[[str], Image]) -> None:
    hello = built_sample("hello").parts[0].path.read_bytes()

    found = read_program(flash_of((0, hello), (0x20000, table((APP, 0x40000)))), "esp32c3")

    assert found == read_program(flash_of((0, hello)), "esp32c3")


@pytest.mark.parametrize(
    ("first", "second", "started"),
    [
        (b"", b"", "hello"),  # never updated: the first slot, as there is no factory app
        (chosen(1), b"", "hello"),
        (chosen(1), chosen(2), "crash"),
        (chosen(3), chosen(2), "hello"),
        (chosen(1), chosen(2)[:-1], "hello"),  # half written
        (chosen(1), chosen(2, state=4), "hello"),  # aborted
    ],
)
def test_an_update_is_started_once_otadata_chose_it(
    first: bytes, second: bytes, started: str, built_sample: Callable[[str], Image]
) -> None:
    hello = built_sample("hello").parts[0].path.read_bytes()
    crash = built_sample("crash").parts[0].path.read_bytes()
    parts = table((OTA_DATA, 0xD000), (OTA_0, 0x10000), (OTA_1, 0x40000))
    flash = flash_of(
        *((PARTITION_TABLE_OFFSET, parts), (0xD000, first), (0xE000, second)),
        *((0x10000, hello), (0x40000, crash)),
    )

    expected = {"hello": hello, "crash": crash}[started]
    assert read_program(flash, "esp32c3") == read_program(flash_of((0, expected)), "esp32c3")


def test_programming_clears_bits_and_erasing_sets_those_of_whole_sectors(tmp_path: Path) -> None:
    flash = Flash(tmp_path / "flash.bin")
    flash.program(0x1FFE, b"\xf0\xf0\xf0")
    flash.program(0x1FFF, b"\x3c\x3c")
    assert flash.read(0x1FFD, 5) == b"\xff\xf0\x30\x30\xff"

    flash.erase(0x1FFF, 1)

    assert flash.read(0x1FFD, 5) == b"\xff\xff\xff\x30\xff"


@pytest.mark.parametrize("size", [1 << 20, 4 << 20])
def test_what_is_written_is_kept_in_a_file_and_nothing_beyond_its_end(
    size: int, tmp_path: Path
) -> None:
    flash = Flash(tmp_path / "flash.bin", size)
    flash.program(size - 4, b"12345678")
    flash.program(size + 4096, b"9")
    flash.erase(size, 4096)
    flash.save()

    again = Flash(tmp_path / "flash.bin", size)
    assert len(again.data) == size
    assert again.read(size - 4, 8) == b"1234\xff\xff\xff\xff"


def test_what_could_not_be_kept_is_kept_by_the_next_save(tmp_path: Path) -> None:
    flash = Flash(tmp_path / "flash.bin")
    flash.data[0] = 7
    in_the_way = tmp_path / "flash.new"
    in_the_way.mkdir()
    with pytest.raises(IsADirectoryError):
        flash.save()
    in_the_way.rmdir()

    flash.save()

    assert Flash(tmp_path / "flash.bin").data[0] == 7


@given(st.binary(min_size=1, max_size=9000), st.integers(0, 9000))
def test_what_is_encrypted_in_pieces_is_decrypted_as_a_whole(data: bytes, at: int) -> None:
    cipher, start = Cipher(b"key"), 5000

    pieces = cipher.apply(start, data[:at]) + cipher.apply(start + at, data[at:])

    assert cipher.apply(start, pieces[: len(data)]) == data


def test_each_board_encrypts_in_its_own_way() -> None:
    noise = os.urandom(64)
    assert Cipher(b"one").apply(0, noise) != Cipher(b"two").apply(0, noise)
