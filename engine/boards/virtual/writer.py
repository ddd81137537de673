"""Writes into the flash of a virtual board as its bootloader takes them: begun, in blocks, ended.

Formats: Espressif, "Serial Protocol" (esptool documentation), "Writing Data".
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from engine.boards.virtual.flash import SECTOR_BYTES, Cipher, Flash

# What a command is refused with: a number of the ROM, and one of the stub.
BAD_FORMAT = (0x05, 0xC0)
BAD_CHECKSUM = (0x07, 0xC1)
NO_FLASH = (0x06, 0xC4)
NO_MEMORY = (0x0F, 0xC0)
_NOT_BEGUN = (0x06, 0xC6)
_BAD_DEFLATE = (0x0B, 0xC7)
_TOO_LITTLE = (0x0B, 0xC8)
_TOO_MUCH = (0x0A, 0xC9)


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """A command is refused; the numbers are those of ``FatalError.WithResult`` in esptool."""

    def __init__(self, numbers: tuple[int, int]) -> None:
        """Say with which: the ROM's, the stub's."""
        self.rom, self.stub = numbers


@dataclass(frozen=True, slots=True)
class Begin:
    """What FLASH_BEGIN and FLASH_DEFL_BEGIN say; offset and sizes in bytes.

    Args:
        size: to erase, and to write.
        blocks, block_size: how it will come.
        offset: in flash.
        is_encrypted: whether the chip shall encrypt it.
    """

    size: int
    blocks: int
    block_size: int
    offset: int
    is_encrypted: bool

    @classmethod
    def parse(cls, data: bytes) -> Begin:
        """Read it; raises ``struct.error`` where it is cut short."""
        size, blocks, block_size, offset = struct.unpack_from("<IIII", data)
        return cls(size, blocks, block_size, offset, len(data) >= 20 and data[16] == 1)


def payload(data: bytes) -> bytes:
    """What a command with data carries: its length, a number, two zeros, then itself.

    Raises:
        Refused: it has another length.
        struct.error: it is cut short.
    """
    (size,) = struct.unpack_from("<I", data)
    if len(data) != 16 + size:
        raise Refused(BAD_FORMAT)
    return data[16:]


class Writer:
    """One write at a time. The ROM erases when it begins, the stub as it goes."""

    def __init__(self, flash: Flash, cipher: Cipher | None) -> None:
        """Write into a flash.

        Args:
            flash: where to.
            cipher: with which the chip encrypts what it is asked to, None where it does not.
        """
        self._flash = flash
        self._cipher = cipher
        self._inflate: zlib._Decompress | None = None
        self._is_begun = self._is_encrypted = False
        self._address = self._left = self._erased = 0

    def begin(self, begin: Begin, *, is_deflated: bool, is_stub: bool) -> None:
        """Begin a write; one that was not ended is forgotten."""
        self._is_begun, self._is_encrypted = True, begin.is_encrypted
        self._inflate = zlib.decompressobj() if is_deflated else None
        self._address, self._left = begin.offset, begin.size
        self._erased = begin.offset // SECTOR_BYTES * SECTOR_BYTES
        if not is_stub:
            self._flash.erase(begin.offset, begin.size)
            self._erased = -(-(begin.offset + begin.size) // SECTOR_BYTES) * SECTOR_BYTES
            if not is_deflated:
                self._left = begin.blocks * begin.block_size  # it takes whole blocks

    def take(self, block: bytes) -> None:
        """Write a block; the last one is padded.

        Raises:
            Refused: no such write has begun.
        """
        if not self._is_begun or self._inflate is not None:
            raise Refused(_NOT_BEGUN)
        self._put(block[: self._left])

    def inflate(self, block: bytes) -> None:
        """Write what a block of compressed data holds.

        Raises:
            Refused: no such write has begun, or the data is damaged, or there is more than was
                said.
        """
        if not self._is_begun or self._inflate is None:
            raise Refused(_NOT_BEGUN)
        try:
            plain = self._inflate.decompress(block, self._left + 1)
        except zlib.error as error:
            self._is_begun = False
            raise Refused(_BAD_DEFLATE) from error
        if len(plain) > self._left:
            raise Refused(_TOO_MUCH)
        self._put(plain)

    def end(self) -> None:
        """End the write, if one has begun.

        Raises:
            Refused: something is missing.
        """
        is_short = self._is_begun and self._left
        self._is_begun = False
        if is_short:
            raise Refused(_TOO_LITTLE)

    def _put(self, data: bytes) -> None:
        end = self._address + len(data)
        reached = -(-end // SECTOR_BYTES) * SECTOR_BYTES
        if reached > self._erased:
            self._flash.erase(self._erased, reached - self._erased)
            self._erased = reached
        if self._is_encrypted and self._cipher is not None:
            data = self._cipher.apply(self._address, data)
        self._flash.program(self._address, data)
        self._address, self._left = end, self._left - len(data)
