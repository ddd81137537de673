"""Images: what a toolchain makes, a flasher writes and a simulator runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.enums import ArtifactKind


@dataclass(frozen=True, slots=True)
class FlashPart:
    """One file of an image and where it goes in flash.

    Args:
        offset: bytes from the start of flash.
        path: the file, absolute.
        kind: what it is.
        encrypted: whether a chip that encrypts its flash is to encrypt it as it is written.
    """

    offset: int
    path: Path
    kind: ArtifactKind
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class MemoryRegion:
    """How full a memory region or partition is.

    Args:
        name: for people.
        used, total: bytes; ``total`` is None where unknown.
        grows: whether it grows with the program; a file system's image fills its partition, and
            of two memories for the same code the first is filled before the second.
    """

    name: str
    used: int
    total: int | None
    grows: bool = True


@dataclass(frozen=True, slots=True)
class Security:
    """What a build's configuration says of the protection that it is for.

    Args:
        burns: what the first start changes in the chip for good, for people; empty for nothing.
        encryption: mode of flash encryption, ``development`` or ``release``; empty for none.
        signed: whether its programs are signed, for Secure Boot or without it.
        simulated: whether eFuses are only simulated (``CONFIG_EFUSE_VIRTUAL``): nothing is burnt.
    """

    burns: tuple[str, ...] = ()
    encryption: str = ""
    signed: bool = False
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """A flashable firmware.

    Args:
        target: what it is for, such as ``esp32c3``.
        elf: the linked program with its symbols, absolute.
        parts: what to write, by offset; empty for the ``linux`` target alone.
        flash_size: bytes of flash that the image expects, None where it does not say.
        flash_mode, flash_freq: as ``esptool write-flash`` takes them, ``keep`` by default.
        regions: sizes, the app partition or memory regions first.
        baud: speed of its console in bits a second, None where it does not say.
        security: what its configuration says of protection, None where it does not say.
        before, after: how its project wants the bootloader entered and left, as esptool takes
            them; empty for what fits the board.
        stub: whether its project lets esptool load its flasher into the chip.
    """

    target: str
    elf: Path
    parts: tuple[FlashPart, ...]
    flash_size: int | None = None
    flash_mode: str = "keep"
    flash_freq: str = "keep"
    regions: tuple[MemoryRegion, ...] = ()
    baud: int | None = None
    security: Security | None = None
    before: str = ""
    after: str = ""
    stub: bool = True
