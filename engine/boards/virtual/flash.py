"""The flash of a virtual board: NOR flash kept in a file, and the program in it.

Formats: Espressif, "Firmware Image Format" (esptool documentation), "Partition Tables" and "Over
The Air Updates" (ESP-IDF Programming Guide).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from esptool.bin_image import LoadFirmwareImage
from esptool.targets import CHIP_DEFS

from engine.boards.virtual.chips import DEFAULT_FLASH_BYTES
from engine.errors import ToolError
from engine.images.boot_selection import ota_data, selected_app
from engine.images.partitions import APP, MAGIC, MAX_BYTES, PARTITION_TABLE_OFFSET, Partition, parse

SECTOR_BYTES = 4096
"""Bytes that are erased at once."""

_IMAGE_MAGIC = b"\xe9"
_MAX_SEGMENT_BYTES = 16 << 20


class Flash:
    """NOR flash whose content outlives its process. Used by one thread.

    Programming clears bits and never sets one; erasing sets those of whole sectors. What lies
    beyond its end is not there: it reads as erased and takes nothing.
    """

    def __init__(self, path: Path, size: int = DEFAULT_FLASH_BYTES) -> None:
        """Take over what an earlier process left in a file, erased flash if there is none.

        Args:
            path: the file; what follows its end is erased.
            size: bytes.
        """
        self.data = bytearray(b"\xff" * size)
        self._path = path
        self._kept = b""
        if path.is_file():
            self._kept = path.read_bytes()[:size]
            self.data[: len(self._kept)] = self._kept

    def program(self, offset: int, data: bytes) -> None:
        """Clear bits: what is not erased becomes the AND of old and new."""
        data = data[: max(0, len(self.data) - offset)]
        place = slice(offset, offset + len(data))
        both = int.from_bytes(self.data[place], "big") & int.from_bytes(data, "big")
        self.data[place] = both.to_bytes(len(data), "big")

    def erase(self, offset: int, size: int) -> None:
        """Erase every sector that a region touches."""
        start = offset // SECTOR_BYTES * SECTOR_BYTES
        end = min(len(self.data), -(-(offset + size) // SECTOR_BYTES) * SECTOR_BYTES)
        if start < end:
            self.data[start:end] = b"\xff" * (end - start)

    def read(self, offset: int, size: int) -> bytes:
        """A region; what lies beyond the end is ``0xFF``."""
        return bytes(self.data[offset : offset + size]).ljust(size, b"\xff")

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


class Cipher:
    """How a chip with flash encryption scrambles its flash, with a key of its own.

    A stand-in for AES: what was written plain is noise to such a chip, what it encrypted itself is
    not, and the flash read from outside is noise; espsecure cannot decrypt it.
    """

    def __init__(self, key: bytes) -> None:
        """Use a key; any bytes."""
        self._key = key

    def apply(self, offset: int, data: bytes) -> bytes:
        """Encrypt or decrypt what lies at an offset; both are the same."""
        first, last = offset // SECTOR_BYTES, (offset + len(data) - 1) // SECTOR_BYTES
        stream = b"".join(
            hashlib.shake_128(self._key + struct.pack("<I", sector)).digest(SECTOR_BYTES)
            for sector in range(first, last + 1)
        )
        skipped = stream[offset - first * SECTOR_BYTES :][: len(data)]
        both = int.from_bytes(data, "big") ^ int.from_bytes(skipped, "big")
        return both.to_bytes(len(data), "big")


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
    """The program that the chip would start.

    That is what lies where the ROM looks; where that is ESP-IDF's bootloader, or no program, it is
    the app of the partition table. A table that an earlier program left behind has no say.

    Args:
        flash: the whole content.
        chip: the chip, as esptool spells it.

    Returns:
        None if there is no whole image: no header, cut short, or a wrong checksum or digest.
    """
    first = _program_at(flash, CHIP_DEFS[chip].BOOTLOADER_FLASH_OFFSET, chip)
    if first is None or _is_bootloader(first):
        start = _app_offset(flash)
        return _program_at(flash, start, chip) if start else first
    return first


def _program_at(flash: bytes | bytearray, start: int, chip: str) -> Program | None:
    if flash[start : start + 1] != _IMAGE_MAGIC:
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
    if any(len(data) > _MAX_SEGMENT_BYTES for _, data in segments):
        return None
    return Program(image.entrypoint, segments)


def _is_bootloader(program: Program) -> bool:
    """Whether a program is ESP-IDF's bootloader.

    It says so in what it logs and asserts, and from ESP-IDF 5.2 on in its description, with which
    it begins (``esp_bootloader_desc_t``: magic 80, and eight bytes on ESP-IDF's version).
    """
    return any(
        b"bootloader" in data or (data[:1] == b"\x50" and data[8:9] == b"v")
        for _, data in program.segments
    )


def _app_offset(flash: bytes | bytearray) -> int:
    """Where the app is that ESP-IDF's bootloader would start; 0 where there is no table."""
    table = _find_table(flash)
    at = ota_data(table)
    records = bytes(flash[at.offset : at.offset + 2 * SECTOR_BYTES]) if at is not None else b""
    app = selected_app(table, records)
    return app.offset if app is not None else 0


def _find_table(flash: bytes | bytearray) -> Sequence[Partition]:
    """The partition table at its default place, else the first one at a sector's start.

    Where it is (``CONFIG_PARTITION_TABLE_OFFSET``) is compiled into the bootloader and stands
    nowhere else. A program may hold such bytes as well, and an earlier build may have had its table
    elsewhere: a table is one whose apps are images; where there is none, the one at its default
    place.
    """
    default: Sequence[Partition] = ()
    for at in (PARTITION_TABLE_OFFSET, *range(SECTOR_BYTES, len(flash), SECTOR_BYTES)):
        if flash[at : at + 2] != MAGIC:
            continue
        try:
            table = parse(bytes(flash[at : at + MAX_BYTES]))
        except ToolError:
            continue
        apps = [part.offset for part in table if part.type == APP]
        if any(flash[app : app + 1] == _IMAGE_MAGIC for app in apps):
            return table
        if at == PARTITION_TABLE_OFFSET:
            default = table
    return default
