"""Images that can change a chip for good are not flashed unless a person asks for it.

The first start of an image that is signed for Secure Boot, or encrypted, may burn eFuses (ESP-IDF
Programming Guide, "Secure Boot v2" and "Flash Encryption").
"""

from __future__ import annotations

from engine.errors import BoardError
from engine.image import FlashPart, Image
from engine.words import ArtifactKind

_SECTOR = 4096
_IMAGE_MAGIC = b"\xe9"  # esp_image_header_t, "Firmware Image Format" in esptool's documentation
_SIGNATURE_MAGIC = b"\xe7"
_SIGNATURE_VERSIONS = b"\x02\x03"  # the same guide, "Signature Block Format"


def check_plain(image: Image) -> None:
    """See whether an image is neither signed nor encrypted.

    Raises:
        BoardError: it is, as far as its bytes show; says which part. A signature of Secure Boot v1
            (ESP32 only) has no mark and is not seen.
        OSError: a part cannot be read.
    """
    for part in image.parts:
        if part.kind in (ArtifactKind.APP, ArtifactKind.BOOTLOADER):
            problem = _problem(part)
            if problem:
                raise BoardError(
                    f"{part.path.name} {problem}, and its first start may burn eFuses for good: "
                    "not flashed (espdeck flash --secure, or the setting flash_secure, allows it)"
                )


def _problem(part: FlashPart) -> str:
    data = part.path.read_bytes()
    if not data.startswith(_IMAGE_MAGIC):
        return "is encrypted or no program"
    block = data[-_SECTOR:]
    is_signed = (
        len(data) % _SECTOR == 0
        and block[:1] == _SIGNATURE_MAGIC
        and block[1] in _SIGNATURE_VERSIONS
    )
    return "is signed for Secure Boot" if is_signed else ""
