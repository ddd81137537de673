"""What may be written on which chip: builds and eFuses against each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.boards import secure_images
from engine.boards.identity import Protection
from engine.enums import ArtifactKind
from engine.errors import BoardError
from engine.images.image import FlashPart, Image, Security

PLAIN = b"\xe9" + bytes(4095)
SIGNED = PLAIN + b"\xe7\x02" + bytes(4094)
CIPHER = b"\x5a" + bytes(4095)

DEVELOPMENT = Protection(encryption="development")
RELEASE = Protection(encryption="release")
LOCKED = Protection(encryption="release", secure_boot="v2", download=True)
BOOT_V1 = Protection(secure_boot="v1")
BOOT_V2 = Protection(secure_boot="v2")

FOR_DEVELOPMENT = Security(burns=("flash encryption (development mode)",), encryption="development")
FOR_RELEASE = Security(burns=("flash encryption (release mode)",), encryption="release")


@pytest.fixture
def image(tmp_path: Path) -> Image:
    parts = []
    for offset, name, kind in (
        (0x0, "bootloader.bin", ArtifactKind.BOOTLOADER),
        (0x8000, "table.bin", ArtifactKind.PARTITION_TABLE),
        (0x10000, "app.bin", ArtifactKind.APP),
        (0x110000, "storage.bin", ArtifactKind.DATA),
    ):
        (tmp_path / name).write_bytes(PLAIN)
        parts.append(FlashPart(offset, tmp_path / name, kind))
    return Image(target="esp32c3", elf=tmp_path / "app.elf", parts=tuple(parts))


def programs(image: Image, data: bytes) -> Image:
    for part in image.parts:
        if part.kind in (ArtifactKind.APP, ArtifactKind.BOOTLOADER):
            part.path.write_bytes(data)
    return image


def encrypted(image: Image, security: Security) -> Image:
    """The image as ESP-IDF marks it: all but the data."""
    marked = [replace(part, encrypted=part.kind is not ArtifactKind.DATA) for part in image.parts]
    return replace(image, parts=tuple(marked), security=security)


def test_a_plain_build_is_flashed_on_a_plain_chip(image: Image) -> None:
    assert secure_images.unasked(image) is None
    assert secure_images.unasked(replace(image, security=Security())) is None
    assert secure_images.writing(image, Protection()) == secure_images.Writing()


@pytest.mark.parametrize("security", [FOR_DEVELOPMENT, FOR_RELEASE])
def test_a_build_whose_start_burns_efuses_says_which(image: Image, security: Security) -> None:
    with pytest.raises(BoardError) as error:
        secure_images.check_plain(replace(image, security=security))

    assert f"burns eFuses for {security.burns[0]}: that can never be undone" in str(error.value)
    assert "espdeck flash --secure" in str(error.value)


def test_a_bootloader_tells_where_no_configuration_does(image: Image) -> None:
    text = b"\0Generating new flash encryption key...\0blowing secure boot efuse...\0"
    image.parts[0].path.write_bytes(PLAIN + text)

    assert secure_images.burns(image) == ("flash encryption", "Secure Boot")
    assert secure_images.burns(replace(image, security=Security())) == ()


def test_an_app_that_is_signed_without_secure_boot_is_flashed(image: Image) -> None:
    signed = programs(image, SIGNED)

    assert "signed for Secure Boot" in (secure_images.unasked(signed) or "")
    assert secure_images.unasked(replace(signed, security=Security(signed=True))) is None


def test_simulated_efuses_burn_nothing(image: Image) -> None:
    security = Security(encryption="development", simulated=True)

    assert secure_images.unasked(encrypted(image, security)) is None


@pytest.mark.parametrize(
    ("chip", "reason"),
    [
        (DEVELOPMENT, "erasing does not help"),
        (RELEASE, "release mode, so that nothing but an update over the air"),
        (BOOT_V2, r"bootloader\.bin is not signed: written, it would never start"),
        (LOCKED, r"bootloader\.bin is not signed"),
    ],
)
def test_a_plain_build_is_refused_by_a_protected_chip(
    image: Image, chip: Protection, reason: str
) -> None:
    with pytest.raises(BoardError, match=f"{reason}.*: not flashed"):
        secure_images.writing(image, chip)


def test_a_chip_in_development_mode_encrypts_what_is_marked(image: Image) -> None:
    how = secure_images.writing(encrypted(image, FOR_DEVELOPMENT), DEVELOPMENT)

    assert [part.offset for part in how.encrypt] == [0x0, 0x8000, 0x10000]
    assert not how.force


def test_a_chip_in_release_mode_takes_only_what_its_owner_encrypted(image: Image) -> None:
    with pytest.raises(BoardError, match="release mode"):
        secure_images.writing(encrypted(image, FOR_DEVELOPMENT), RELEASE)

    assert secure_images.writing(programs(image, CIPHER), RELEASE) == secure_images.Writing(
        force=True
    )


def test_secure_boot_starts_what_is_signed(image: Image) -> None:
    assert secure_images.writing(programs(image, SIGNED), BOOT_V2) == secure_images.Writing()


def test_a_signature_of_the_first_secure_boot_is_known_by_the_build_alone(image: Image) -> None:
    assert secure_images.writing(replace(image, security=Security(signed=True)), BOOT_V1)
    with pytest.raises(BoardError, match=r"Secure Boot v1.*is not signed"):
        secure_images.writing(replace(image, security=Security()), BOOT_V1)
