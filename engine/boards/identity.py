"""What a board says of itself: which chip it is, in which package, and what protects it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.enums import CHIPS

UNSUPPORTED = "esp8266"
"""The one chip that esptool knows and that ESP-IDF builds nothing for."""

_MAX_CHARACTERS = 8192
_CHIP = r"ESP(?:32(?:-[A-Z][A-Z0-9]{0,5})?|8266(?:EX)?)"
# esptool 5; the other two are esptool 3 and 4, which name the chip while they detect it.
_CONNECTED = re.compile(rf"^Connected to ({_CHIP}) on ", re.M)
_DETECTED = re.compile(rf"^Detecting chip type\.{{3}}[^\n]{{0,200}}? ({_CHIP})[ \t\r]*$", re.M)
_DESCRIBED = re.compile(r"^(?:Chip type:|Chip is)[ \t]{1,40}(\S[^\n]{0,200})$", re.M)
_REVISION = re.compile(r"\(revision v?(\d{1,3}(?:\.\d{1,3})?)\)")
_MAC = re.compile(r"^(BASE )?MAC:[ \t]{1,40}([0-9a-f]{2}(?::[0-9a-f]{2}){5})\b", re.M)
_SIZE = re.compile(r"^Detected flash size:[ \t]{1,40}(\d{1,5})(KB|MB)", re.M)
_FEATURES = re.compile(r"^Features:[ \t]{1,40}(\S[^\n]{0,400})$", re.M)
_CRYSTAL = re.compile(r"^Crystal(?: frequency:| is)[ \t]{1,40}(\d{1,3})MHz", re.M)
_UNITS = {"KB": 1 << 10, "MB": 1 << 20}
_DOWNLOAD_MODE = "in Secure Download Mode"

# Packages whose name does not begin with their chip's (esptool, targets/*.py).
_PACKAGES = {"ESP8684": "esp32c2", "ESP8685": "esp32c3", "ESP8686": "esp32c3"}


@dataclass(frozen=True, slots=True)
class Protection:
    """What the eFuses of a chip enforce; none of it can be taken back.

    Args:
        encryption: of the flash: ``development`` where a flasher may still hand it plain data to
            encrypt, ``release`` where it may not, empty for none.
        secure_boot: ``v1`` or ``v2``, empty for none.
        download: whether its ROM is in Secure Download Mode, which only writes and erases.
    """

    encryption: str = ""
    secure_boot: str = ""
    download: bool = False

    def __str__(self) -> str:
        """For people; empty for a chip that nothing protects."""
        encryption = f"flash encryption ({self.encryption} mode)" if self.encryption else ""
        boot = f"Secure Boot {self.secure_boot}" if self.secure_boot else ""
        download = "Secure Download Mode" if self.download else ""
        return ", ".join(each for each in (encryption, boot, download) if each)


@dataclass(frozen=True, slots=True)
class BoardIdentity:
    """What a board says of itself.

    Args:
        chip: as a target is spelled, such as ``esp32c3``.
        revision: of the chip, such as ``v0.4``; empty where it does not say.
        mac: base address, six bytes in hex.
        flash_size: bytes, None where it could not be detected.
        features: as esptool lists them.
        package: as esptool names it, such as ``ESP8685 (QFN28)``; empty where it does not say.
        crystal: MHz, None where it does not say.
        protection: what its eFuses enforce.
    """

    chip: str
    revision: str
    mac: str
    flash_size: int | None
    features: tuple[str, ...]
    package: str = ""
    crystal: int | None = None
    protection: Protection = field(default=Protection())

    def __str__(self) -> str:
        """In a line, for people."""
        package = self.package if target_of(self.package) != self.chip else ""
        parts = (f"{self.chip} {self.revision}".strip(), package, self.mac, str(self.protection))
        return ", ".join(each for each in parts if each)


def target_of(chip: str) -> str:
    """A chip as esptool names it (``ESP32-C3``), as ESP-IDF's targets are spelled (``esp32c3``)."""
    return chip.lower().replace("-", "")


def parse_identity(text: str) -> BoardIdentity | None:
    """What esptool printed of a board, None if it names no chip.

    The chip is the one that esptool says it is connected to. Where that line is absent, it is the
    one that the package's name begins with. What they print is documented by example only (esptool
    documentation, "Basic Commands"); read are the lines of esptool 3, 4 and 5.

    Args:
        text: from the beginning, with or without a command's own output.
    """
    text = text[:_MAX_CHARACTERS]
    described = _DESCRIBED.search(text)
    package = described[1].strip() if described else ""
    connected = _CONNECTED.search(text) or _DETECTED.search(text)
    chip = target_of(connected[1]) if connected else _chip_of(package)
    if not chip:
        return None
    revision = _REVISION.search(package)
    size, features, crystal = (each.search(text) for each in (_SIZE, _FEATURES, _CRYSTAL))
    macs = {found[1] or "": found[2] for found in _MAC.finditer(text)}
    return BoardIdentity(
        chip=chip,
        revision=f"v{revision[1]}" if revision else "",
        mac=macs.get("BASE ") or macs.get("", ""),
        flash_size=int(size[1]) * _UNITS[size[2]] if size else None,
        features=tuple(re.split(r",\s*", features[1].strip())) if features else (),
        package="" if _DOWNLOAD_MODE in package else package.partition(" (revision")[0].strip(),
        crystal=int(crystal[1]) if crystal else None,
        protection=Protection(download=_DOWNLOAD_MODE in package),
    )


def _chip_of(package: str) -> str:
    """The chip that a package's name begins with, empty for none; ESP32-S3-PICO-1 is an esp32s3."""
    word = package.removeprefix("Unknown ").split(" ")[0]
    for name, chip in _PACKAGES.items():
        if word.startswith(name):
            return chip
    name = target_of(word)
    known = sorted((*CHIPS, UNSUPPORTED), key=len, reverse=True)
    return next((chip for chip in known if name.startswith(chip)), "")
