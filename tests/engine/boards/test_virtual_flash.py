from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.boards.virtual_flash import PARTITION_TABLE, Flash, Program, read_program
from engine.image import Image

ERASED = b"\xff" * 0x10000


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=100))
def test_whatever_is_in_flash_is_read_without_trouble(app: bytes, table: bytes) -> None:
    flash = bytearray(ERASED)
    flash[1 : 1 + len(app)] = app
    flash[0] = 0xE9
    flash[PARTITION_TABLE : PARTITION_TABLE + len(table)] = table

    read_program(flash, "esp32c3")


def test_an_image_with_one_wrong_bit_is_no_program(
    built_sample: Callable[[str], Image],
) -> None:
    app = built_sample("hello").parts[0].path.read_bytes()
    flash = bytearray(app + ERASED)
    assert read_program(flash, "esp32c3") is not None

    flash[len(app) // 2] ^= 1

    assert read_program(flash, "esp32c3") is None


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


def test_what_is_written_is_kept_in_a_file_and_nothing_beyond_its_end(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    flash = Flash(path)
    size = len(flash.data)
    flash.begin_plain((16).to_bytes(4, "little") * 3 + (size - 4).to_bytes(4, "little"))
    flash.write_plain_block((8).to_bytes(4, "little") + bytes(12) + b"12345678")
    flash.save()

    again = Flash(path)
    assert len(again.data) == size
    assert again.read(size - 4, 8) == b"1234"


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
