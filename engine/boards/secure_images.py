"""What can change a chip for good, or leave it without a program that it starts, is not flashed.

Three things tell: what the configuration of a build says that its first start burns
(:mod:`engine.images.efuses`), the bytes of its programs, and what the eFuses of the chip
enforce already (ESP-IDF Programming Guide, "Flash Encryption", "Secure Boot v2"). Imported in
esptool's process too: nothing here is slow to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.boards.identity import Protection
from engine.enums import ArtifactKind
from engine.errors import BoardError
from engine.images.image import FlashPart, Image, Security

ASKING = "espdeck flash --secure, or the setting flash_secure, allows it"
"""How a person asks for what is refused otherwise."""

_SECTOR_BYTES = 4096
_IMAGE_MAGIC = b"\xe9"  # esp_image_header_t, "Firmware Image Format" in esptool's documentation
_SIGNATURE_MAGIC = b"\xe7"
_SIGNATURE_VERSIONS = b"\x02\x03"  # the same guide, "Signature Block Format"
_PROGRAMS = (ArtifactKind.APP, ArtifactKind.BOOTLOADER)

# What the bootloader says while it burns keys (flash_encrypt.c, secure_boot.c of ESP-IDF 3 to 6):
# a build that says nothing of its configuration has these texts all the same.
_BOOTLOADER_SAYS = {
    b"Generating new flash encryption key": "flash encryption",
    b"Disable UART bootloader encryption": "flash encryption",
    b"Secure boot permanently enabled": "Secure Boot",
    b"blowing secure boot efuse": "Secure Boot",
}


@dataclass(frozen=True, slots=True)
class Writing:
    """How an image is written on a chip.

    Args:
        encrypt: parts that the chip encrypts as they are written.
        force: whether esptool must be told that what looks like a mistake is none.
    """

    encrypt: tuple[FlashPart, ...] = ()
    force: bool = False


def burns(image: Image) -> tuple[str, ...]:
    """What the first start of an image changes in the chip for good; empty for nothing.

    Raises:
        OSError: a part cannot be read.
    """
    if image.security is not None:
        return image.security.burns
    bootloaders = (part for part in image.parts if part.kind is ArtifactKind.BOOTLOADER)
    said = b"".join(part.path.read_bytes() for part in bootloaders)
    return tuple(dict.fromkeys(name for text, name in _BOOTLOADER_SAYS.items() if text in said))


def unasked(image: Image) -> str | None:
    """Why an image is not flashed unless a person asks for it, None for a plain one.

    A signature of Secure Boot v1 (ESP32 only) has no mark: where the configuration is not known,
    it is not seen.

    Raises:
        OSError: a part cannot be read.
    """
    if found := burns(image):
        return (
            f"the first start of this firmware burns eFuses for {'; '.join(found)}: "
            f"that can never be undone: not flashed ({ASKING})"
        )
    for part in _programs(image):
        what = "encrypted or no program" if _is_cipher(part) else ""
        if not what and image.security is None and _is_signed(part):
            what = "signed for Secure Boot"
        if what:
            return (
                f"{part.path.name} is {what}, and its first start may burn eFuses for good: "
                f"not flashed ({ASKING})"
            )
    return None


def check_plain(image: Image) -> None:
    """See whether an image may be flashed without being asked for by name.

    Raises:
        BoardError: it may not, see :func:`unasked`.
        OSError: a part cannot be read.
    """
    if (problem := unasked(image)) is not None:
        raise BoardError(problem)


def writing(image: Image, chip: Protection) -> Writing:
    """How an image goes on a chip whose eFuses enforce something.

    Args:
        image: allowed by :func:`check_plain`, or asked for.
        chip: what its eFuses enforce.

    Raises:
        BoardError: the chip would not start what is written; says why.
        OSError: a part cannot be read.
    """
    programs = _programs(image)
    if chip.secure_boot and (part := _unsigned(programs, chip, image.security)):
        raise BoardError(
            f"the chip starts signed programs only (Secure Boot {chip.secure_boot}) and "
            f"{part.path.name} is not signed: written, it would never start: not flashed"
        )
    if not chip.encryption:
        return Writing()
    if programs and all(map(_is_cipher, programs)):
        return Writing(force=True)  # encrypted by its owner's key: goes as it is
    if chip.encryption != "development":
        raise BoardError(
            "the chip encrypts its flash in release mode, so that nothing but an update over the "
            "air, or what is encrypted with its own key, ever starts: not flashed"
        )
    encrypted = tuple(part for part in image.parts if part.encrypted)
    if not encrypted:
        raise BoardError(
            "the chip encrypts its flash (development mode) and this build is not for that: "
            "written plain, it would not start, and erasing does not help: not flashed "
            "(build it with flash encryption in development mode)"
        )
    return Writing(encrypt=encrypted)


def _programs(image: Image) -> list[FlashPart]:
    return [part for part in image.parts if part.kind in _PROGRAMS]


def _unsigned(
    programs: Sequence[FlashPart], chip: Protection, security: Security | None
) -> FlashPart | None:
    """The first program that Secure Boot refuses, as far as that shows."""
    if chip.secure_boot == "v1":
        # Its signature has no mark: what the build says counts.
        signed = security is None or security.signed
        return None if signed else next(iter(programs), None)
    return next((part for part in programs if not (_is_signed(part) or _is_cipher(part))), None)


def _is_cipher(part: FlashPart) -> bool:
    with part.path.open("rb") as stream:
        return stream.read(1) != _IMAGE_MAGIC


def _is_signed(part: FlashPart) -> bool:
    """Whether a program ends with a signature block of Secure Boot v2."""
    data = part.path.read_bytes()
    block = data[-_SECTOR_BYTES:]
    return (
        len(data) % _SECTOR_BYTES == 0
        and block[:1] == _SIGNATURE_MAGIC
        and block[1] in _SIGNATURE_VERSIONS
    )
