"""The image that a build keeps is read again as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.enums import ArtifactKind
from engine.errors import UsageError
from engine.images import image_file
from engine.images.image import FlashPart, Image, MemoryRegion


@pytest.fixture
def image(tmp_path: Path) -> Image:
    for name in ("fw.elf", "fw.bin", "boot.bin"):
        (tmp_path / name).write_bytes(b"\xe9")
    return Image(
        target="esp32s3",
        elf=tmp_path / "fw.elf",
        parts=(
            FlashPart(0, tmp_path / "boot.bin", ArtifactKind.BOOTLOADER),
            FlashPart(0x10000, tmp_path / "fw.bin", ArtifactKind.APP),
        ),
        flash_size=4 << 20,
        flash_mode="dio",
        regions=(MemoryRegion("DRAM", 1000, None),),
    )


def test_it_is_read_as_it_was_written_wherever_the_folder_goes(
    image: Image, tmp_path: Path
) -> None:
    image_file.write(image, tmp_path / image_file.FILE_NAME)
    assert image_file.read(tmp_path / image_file.FILE_NAME) == image

    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert image_file.read(moved / image_file.FILE_NAME) == replace(
        image,
        elf=moved / "fw.elf",
        parts=tuple(replace(part, path=moved / part.path.name) for part in image.parts),
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"elf": 1, "parts": []}', '{"elf": "x"}'])
def test_a_damaged_one_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / image_file.FILE_NAME).write_text(text)
    with pytest.raises(UsageError, match="not the image of a build"):
        image_file.read(tmp_path / image_file.FILE_NAME)


def test_a_part_that_was_deleted_is_told(image: Image, tmp_path: Path) -> None:
    image_file.write(image, tmp_path / image_file.FILE_NAME)
    (tmp_path / "boot.bin").unlink()
    with pytest.raises(UsageError, match=r"boot\.bin: gone"):
        image_file.check_files(image_file.read(tmp_path / image_file.FILE_NAME))
