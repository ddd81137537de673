"""The flash of a virtual board: what esptool writes, kept in a file, and the program in it.

Formats: Espressif, "Firmware Image Format" (esptool documentation) and "Partition Tables" (ESP-IDF
Programming Guide).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from esp32_mock_bootloader.server import FlashImage
from esptool.bin_image import LoadFirmwareImage

PARTITION_TABLE = 0x8000
"""Where ESP-IDF's partition table is, by default."""

_ENTRY = struct.Struct("<2sBBII16sI")
_ENTRY_MAGIC = b"\xaa\x50"
_APP_TYPE, _FACTORY, _OTA_0 = 0x00, 0x00, 0x10
_MAX_SEGMENT = 16 << 20


class Flash(FlashImage):  # type: ignore[misc] # the library is untyped
    """Flash content that outlives its process.

    Used by one thread. Blocks are written by slices, which the library does byte by byte.
    """

    def __init__(self, path: Path) -> None:
        """Take over what an earlier process left in a file, erased flash if there is none."""
        super().__init__()
        self._defl_offset: int = 0
        self._plain_offset: int = 0
        self._path = path
        self._kept = b""
        if path.is_file():
            self._kept = path.read_bytes()[: len(self.data)]
            self.data[: len(self._kept)] = self._kept

    def write_defl_block(self, payload: bytes) -> None:
        """Take a block of a compressed write; one that does not decompress is dropped."""
        if len(payload) < 16 or self._decompressor is None:
            return
        size = struct.unpack_from("<I", payload)[0]
        try:
            plain = self._decompressor.decompress(payload[16 : 16 + size])
        except zlib.error:
            return
        self._defl_offset = self._put(self._defl_offset, plain)

    def write_plain_block(self, payload: bytes) -> None:
        """Take a block of an uncompressed write."""
        if len(payload) >= 16:
            size = struct.unpack_from("<I", payload)[0]
            self._plain_offset = self._put(self._plain_offset, payload[16 : 16 + size])

    def save(self) -> None:
        """Write the file anew if anything changed; it is whole at any moment.

        Raises:
            OSError: it cannot be written; the next save tries again.
        """
        if self._kept == self.data:
            return
        content = bytes(self.data)
        new = self._path.with_suffix(".new")
        new.write_bytes(content)
        new.replace(self._path)
        self._kept = content

    def _put(self, offset: int, data: bytes) -> int:
        fitting = max(0, min(len(data), len(self.data) - offset))
        self.data[offset : offset + fitting] = data[:fitting]
        return offset + len(data)


@dataclass(frozen=True, slots=True)
class Program:
    """What the ROM would load and start.

    Args:
        entry: address of the first instruction.
        segments: load address and content of each.
    """

    entry: int
    segments: tuple[tuple[int, bytes], ...]

    def elf(self) -> bytes:
        """The program as a RISC-V ELF file without symbols (System V ABI, "Object Files")."""
        header = struct.Struct("<16sHHIIIIIHHHHHH")
        segment = struct.Struct("<IIIIIIII")
        offset = header.size + segment.size * len(self.segments)
        ident = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)  # 32 bit, little endian, version 1
        head = header.pack(
            ident, 2, 243, 1, self.entry, header.size, 0, 0,
            header.size, segment.size, len(self.segments), 0, 0, 0,
        )  # fmt: skip
        table, body = b"", b""
        for address, data in self.segments:
            size = len(data)
            place = offset + len(body)
            table += segment.pack(1, place, address, address, size, size, 7, 4)
            body += data
        return head + table + body


def read_program(flash: bytes | bytearray, chip: str) -> Program | None:
    """The app that the chip would start: the first of the partition table, else at offset 0.

    Args:
        flash: the whole content.
        chip: the chip, as esptool spells it.

    Returns:
        None if there is no whole image: no header, cut short, or a wrong checksum or digest.
    """
    start = _app_offset(flash)
    if flash[start : start + 1] != b"\xe9":
        return None
    try:
        image = LoadFirmwareImage(chip, bytes(flash[start:]))
    except (RuntimeError, struct.error, ValueError, IndexError):  # of which FatalError is one
        return None
    if image.checksum != image.calculate_checksum():
        return None
    if image.append_digest and image.stored_digest != image.calc_digest:
        return None
    segments = tuple((part.addr, bytes(part.data)) for part in image.segments)
    if any(len(data) > _MAX_SEGMENT for _, data in segments):
        return None
    return Program(image.entrypoint, segments)


def _app_offset(flash: bytes | bytearray) -> int:
    """Where the app is: as in ESP-IDF's bootloader, the factory app or the first update slot."""
    found: dict[int, int] = {}
    for at in range(PARTITION_TABLE, PARTITION_TABLE + 0xC00, _ENTRY.size):
        magic, kind, subtype, offset, _size, _label, _flags = _ENTRY.unpack_from(flash, at)
        if magic != _ENTRY_MAGIC:
            break
        if kind == _APP_TYPE:
            found.setdefault(subtype, offset)
    return found.get(_FACTORY, found.get(_OTA_0, 0))
