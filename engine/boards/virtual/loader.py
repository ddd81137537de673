"""The serial bootloader of a virtual chip: what its ROM, and esptool's stub in its RAM, answer.

Formats: Espressif, "Serial Protocol" (esptool documentation); the other side is esptool's
``loader.py``. The stub is not run: after a program was loaded into RAM and started, the answers are
those of a stub, and what no stub command followed was a program.

What it does not do: burn eFuses (espefuse reads them), NAND flash, the Secure Debug Controller,
check signatures. Speeds are accepted and mean nothing.
"""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

from esptool.loader import ESPLoader
from esptool.targets import CHIP_DEFS

from engine.boards.virtual.chips import (
    CHIPS,
    ENCRYPTION,
    SECURE_BOOT,
    SECURE_BOOT_V1,
    SECURE_DOWNLOAD,
    Options,
)
from engine.boards.virtual.flash import Cipher, Flash, Program
from engine.boards.virtual.registers import clock_divider
from engine.boards.virtual.spi import SpiFlash
from engine.boards.virtual.writer import (
    BAD_CHECKSUM,
    BAD_FORMAT,
    NO_FLASH,
    NO_MEMORY,
    Begin,
    Refused,
    Writer,
    payload,
)

_COMMANDS: dict[str, int] = ESPLoader.ESP_CMDS
_HEADER = struct.Struct("<BBHI")  # direction, command, bytes of data, checksum or value
_END = b"\xc0"
_GREETING = b"OHAI"
_ROM_SYNC = 0x20120707
_MAX_FRAME_BYTES = 1 << 17  # bytes of a command; more is noise
_MAX_WORDS = 1 << 22  # words of memory that are kept
_ADDRESSES = 1 << 32
_MAX_BLOCKS = 1024  # of a program in RAM; esptool's have 2 to 6 KiB
_SLOW_BLOCK_BYTES = 64  # bytes that READ_FLASH_SLOW answers with, however many were asked for
_WATCHDOG = 1 << 31  # enables the RTC watchdog

# Where the ROM of the ESP32-S3 keeps the function that reads flash; esptool starts its stub through
# it when Secure Boot is on (``run_stub``).
_S3_READ_POINTER = 0x3FCEF688

_UNKNOWN = 0xFF  # a command that the stub does not know
_ROM_FLASH_BYTES = 2 << 20  # bytes of flash that the ROM believes in until it is told

_WITH_CHECKSUM = frozenset(
    _COMMANDS[name] for name in ("MEM_DATA", "FLASH_DATA", "FLASH_DEFL_DATA")
)
_ROM_ONLY = frozenset({_COMMANDS["READ_FLASH_SLOW"]})
_STUB_ONLY = frozenset(
    _COMMANDS[name] for name in ("ERASE_FLASH", "ERASE_REGION", "READ_FLASH", "RUN_USER_CODE")
)
_SECURE_DOWNLOAD_COMMANDS = frozenset(
    _COMMANDS[name]
    for name in (
        *("SYNC", "SPI_ATTACH", "SPI_SET_PARAMS", "CHANGE_BAUDRATE"),
        *("FLASH_BEGIN", "FLASH_DATA", "FLASH_END", "GET_SECURITY_INFO"),
    )
)


class Outcome(Enum):
    """What a chip does when a conversation is over."""

    RESET = "reset"
    """It starts from its flash: the client left, which is all that a socket can say of RTS."""

    STAY = "stay"
    """It waits in its bootloader for the next client, as it was told."""

    RUN = "run"
    """It runs the program that was loaded into its RAM."""


class Loader:
    """One conversation with the bootloader, over one connection."""

    def __init__(
        self,
        chip: str,
        options: Options,
        registers: dict[int, int],
        flash: Flash,
        cipher: Cipher | None,
    ) -> None:
        """Start as the ROM does after a reset.

        Args:
            chip: as esptool spells it.
            options: what the board is beside its chip.
            registers: what is not zero, by address; changed as commands write.
            flash: its flash.
            cipher: of flash encryption, None where it has no key.
        """
        self._chip = chip
        self._rom = CHIP_DEFS[chip]
        self._options = options
        self._memory = registers
        self._flash = flash
        # A chip in release mode encrypts nothing for a flasher.
        self._writer = Writer(flash, cipher if ENCRYPTION in options.security else None)
        self._spi = SpiFlash(self._rom, options.flash)
        self._is_stub = False
        self._is_over = False
        self._watchdog = False
        self._reach = _ROM_FLASH_BYTES
        self._segments: list[tuple[int, bytes]] = []
        self._filling = 0
        self._is_program = False
        self.outcome = Outcome.RESET
        """What the chip does after the conversation."""

        self.program = Program(0, ())
        """What was loaded into RAM and started last."""

        self._answers: dict[int, Callable[[bytes], bytes | int | None]] = {
            _COMMANDS[name]: answer
            for name, answer in {
                "SYNC": self._sync,
                "READ_REG": self._read_register,
                "WRITE_REG": self._write_register,
                "MEM_BEGIN": self._memory_begin,
                "MEM_DATA": self._memory_data,
                "MEM_END": self._memory_end,
                "FLASH_BEGIN": self._flash_begin,
                "FLASH_DATA": self._flash_data,
                "FLASH_END": self._flash_end,
                "FLASH_DEFL_BEGIN": self._deflate_begin,
                "FLASH_DEFL_DATA": self._deflate_data,
                "FLASH_DEFL_END": self._deflate_end,
                "SPI_FLASH_MD5": self._digest,
                "SPI_ATTACH": self._attach,
                "SPI_SET_PARAMS": self._set_parameters,
                "CHANGE_BAUDRATE": self._change_baud,
                "GET_SECURITY_INFO": self._security_info,
                "READ_FLASH_SLOW": self._read_slow,
                "ERASE_FLASH": self._erase_flash,
                "ERASE_REGION": self._erase_region,
                "READ_FLASH": self._read_flash,
                "RUN_USER_CODE": self._run_user_code,
            }.items()
        }

    def talk(self, connection: socket.socket, first: bytes) -> bool:
        """Answer commands until the client leaves, or makes the chip leave the bootloader.

        Args:
            connection: to the client; blocks.
            first: what was read of it already.

        Returns:
            Whether the client is still there.

        Raises:
            OSError: the connection broke.
        """
        self._connection, self._buffer = connection, first
        while (frame := self._frame()) is not None:
            self._take(frame)
            if self._is_over:
                return True
        if self._is_program:
            self.outcome = Outcome.RUN
        return False

    def _frame(self) -> bytes | None:
        """The next frame (SLIP, RFC 1055), None once the client has left."""
        while True:
            frame, end, rest = self._buffer.partition(_END)
            if end:
                self._buffer = rest
                if frame:
                    return frame.replace(b"\xdb\xdc", _END).replace(b"\xdb\xdd", b"\xdb")
                continue
            data = self._connection.recv(1 << 16)
            if not data:
                return None
            self._buffer = (self._buffer if len(self._buffer) < _MAX_FRAME_BYTES else b"") + data

    def _send(self, frame: bytes) -> None:
        escaped = frame.replace(b"\xdb", b"\xdb\xdd").replace(_END, b"\xdb\xdc")
        self._connection.sendall(_END + escaped + _END)

    def _take(self, frame: bytes) -> None:
        if len(frame) < _HEADER.size:
            return
        direction, command, size, checksum = _HEADER.unpack_from(frame)
        data = frame[_HEADER.size :]
        if direction != 0:
            return
        if not self._knows(command):
            if self._is_stub:
                self._respond(command, b"", _UNKNOWN)
            else:
                # Esptool takes an answer to another command as: not in this bootloader.
                self._respond(0, b"", BAD_FORMAT[0])
            return
        self._is_program = False
        self._is_over = self._watchdog  # it takes milliseconds to bite: a command or so
        try:
            if size != len(data):
                raise Refused(BAD_FORMAT)
            if command in _WITH_CHECKSUM and ESPLoader.checksum(data[16:]) != checksum & 0xFF:
                raise Refused(BAD_CHECKSUM)
            answer = self._answers[command](data)
        except Refused as refused:
            self._respond(command, b"", refused.stub if self._is_stub else refused.rom)
        except struct.error:
            self._respond(command, b"", BAD_FORMAT[self._is_stub])
        else:
            if isinstance(answer, int):
                self._respond(command, b"", value=answer)
            elif answer is not None:
                self._respond(command, answer)

    def _knows(self, command: int) -> bool:
        if self._is_stub:
            return command in self._answers and command not in _ROM_ONLY
        if SECURE_DOWNLOAD in self._options.security:
            return command in _SECURE_DOWNLOAD_COMMANDS
        if command == _COMMANDS["GET_SECURITY_INFO"]:
            return bool(self._rom.SECURITY_INFO_SUPPORTED)
        return command in self._answers and command not in _STUB_ONLY

    def _respond(self, command: int, data: bytes, error: int = 0, *, value: int = 0) -> None:
        # Of the stub's two bytes the first is the number, of the ROM's four the second.
        data += bytes([error, 0]) if self._is_stub else bytes([bool(error), error, 0, 0])
        self._send(_HEADER.pack(1, command, len(data), value) + data)

    # Chip

    def _sync(self, _data: bytes) -> None:
        for _ in range(8):
            self._respond(_COMMANDS["SYNC"], b"", value=0 if self._is_stub else _ROM_SYNC)

    def _security_info(self, _data: bytes) -> bytes:
        security = self._options.security
        flags = bool(security & {SECURE_BOOT, SECURE_BOOT_V1}) | (SECURE_DOWNLOAD in security) << 2
        burnt = {name: value for state in security for name, value in self._burnt(state)}
        purposes = (burnt.get(f"KEY_PURPOSE_{number}", 0) for number in range(7))
        info = struct.pack("<I8B", flags, burnt.get("SPI_BOOT_CRYPT_CNT", 0), *purposes)
        if self._rom.USES_MAGIC_VALUE:
            return info
        return info + struct.pack("<II", self._rom.IMAGE_CHIP_ID, 0)

    def _burnt(self, state: str) -> Iterable[tuple[str, int]]:
        return CHIPS[self._chip].security[state].items()

    def _change_baud(self, data: bytes) -> bytes:
        (baud,) = struct.unpack_from("<I", data)
        self._memory[self._rom.UART_CLKDIV_REG] = clock_divider(self._chip, baud)
        return b""

    # Registers and RAM

    def _read_register(self, data: bytes) -> int:
        (address,) = struct.unpack_from("<I", data)
        return self._spi.read(address) if self._spi.has(address) else self._memory.get(address, 0)

    def _write_register(self, data: bytes) -> bytes:
        address, value, mask, _delay = struct.unpack_from("<IIII", data)
        value = (self._read_register(data) & ~mask) | (value & mask)
        if self._spi.has(address):
            self._spi.write(address, value)
        else:
            self._store(address, (value,))
        if address == getattr(self._rom, "RTC_CNTL_WDTCONFIG0_REG", None):
            self._watchdog = bool(value & _WATCHDOG)
        return b""

    def _store(self, address: int, words: Sequence[int]) -> None:
        if len(self._memory) + len(words) > _MAX_WORDS:
            raise Refused(NO_MEMORY)
        self._memory.update(zip(range(address, address + 4 * len(words), 4), words, strict=True))

    def _memory_begin(self, data: bytes) -> bytes:
        _size, _blocks, _block_size, self._filling = struct.unpack_from("<IIII", data)
        return b""

    def _memory_data(self, data: bytes) -> bytes:
        block = payload(data)
        padded = block.ljust(-(-len(block) // 4) * 4, b"\0")
        self._store(self._filling, struct.unpack(f"<{len(padded) // 4}I", padded))
        if len(self._segments) >= _MAX_BLOCKS or self._filling + len(block) > _ADDRESSES:
            raise Refused(NO_MEMORY)
        self._segments.append((self._filling, block))
        self._filling += len(block)
        return b""

    def _memory_end(self, data: bytes) -> bytes | None:
        stays, entry = struct.unpack_from("<II", data)
        if stays:
            return b""
        self._respond(_COMMANDS["MEM_END"], b"")
        self._start(entry)
        return None

    def _start(self, entry: int) -> None:
        self.program = Program(entry, tuple(self._segments))
        self._segments.clear()
        self._is_stub = self._is_program = True
        self._spi.is_attached = True
        self._send(_GREETING)

    # Flash

    def _attach(self, data: bytes) -> bytes:
        (pins,) = struct.unpack_from("<I", data)
        self._spi.is_attached = pins in (0, _packed(CHIPS[self._chip].pins))
        return b""

    def _set_parameters(self, data: bytes) -> bytes:
        _id, self._reach = struct.unpack_from("<II", data)
        return b""

    def _check_reach(self, offset: int, size: int) -> None:
        if not self._spi.is_attached or (not self._is_stub and offset + size > self._reach):
            raise Refused(NO_FLASH)

    def _begin(self, data: bytes, *, is_deflated: bool) -> bytes:
        begin = Begin.parse(data)
        if begin.size:
            self._check_reach(begin.offset, begin.size)
        self._writer.begin(begin, is_deflated=is_deflated, is_stub=self._is_stub)
        return b""

    def _flash_begin(self, data: bytes) -> bytes:
        return self._begin(data, is_deflated=False)

    def _deflate_begin(self, data: bytes) -> bytes:
        return self._begin(data, is_deflated=True)

    def _flash_data(self, data: bytes) -> bytes:
        self._writer.take(payload(data))
        return b""

    def _deflate_data(self, data: bytes) -> bytes:
        self._writer.inflate(payload(data))
        return b""

    def _deflate_end(self, data: bytes) -> bytes | None:
        return self._flash_end(data, "FLASH_DEFL_END")

    def _flash_end(self, data: bytes, command: str = "FLASH_END") -> bytes | None:
        (stays,) = struct.unpack_from("<I", data)
        if not self._is_stub:
            self._is_over = True  # it starts from flash, whichever way it is told to
            return b""
        self._writer.end()
        if stays:
            return b""
        self._respond(_COMMANDS[command], b"")
        self._is_stub = self._spi.is_attached = False
        self.outcome = Outcome.STAY
        return None

    def _run_user_code(self, _data: bytes) -> None:
        self._is_over = True

    def _digest(self, data: bytes) -> bytes:
        offset, size = struct.unpack_from("<II", data)
        self._check_reach(offset, size)
        digest = hashlib.md5(self._read(offset, size), usedforsecurity=False)
        return digest.digest() if self._is_stub else digest.hexdigest().encode()

    def _read(self, offset: int, size: int) -> bytes:
        if size > len(self._flash.data):
            raise Refused(NO_FLASH)
        return self._flash.read(offset, size)

    def _read_slow(self, data: bytes) -> bytes | None:
        offset, size = struct.unpack_from("<II", data)
        if self._chip == "esp32s3" and self._memory.get(_S3_READ_POINTER):
            self._start(self._memory[_S3_READ_POINTER])
            return None
        self._check_reach(offset, size)
        return self._read(offset, min(size, _SLOW_BLOCK_BYTES)).ljust(_SLOW_BLOCK_BYTES, b"\0")

    def _erase_flash(self, _data: bytes) -> bytes:
        self._check_reach(0, 0)
        self._flash.erase(0, len(self._flash.data))
        return b""

    def _erase_region(self, data: bytes) -> bytes:
        offset, size = struct.unpack_from("<II", data)
        self._check_reach(offset, size)
        self._flash.erase(offset, size)
        return b""

    def _read_flash(self, data: bytes) -> None:
        """Send packets, a few ahead of what the client says it has, then their digest."""
        offset, size, packet, ahead = struct.unpack_from("<IIII", data)
        self._check_reach(offset, size)
        if not packet or not ahead:
            raise Refused(BAD_FORMAT)
        content = self._read(offset, size)
        self._respond(_COMMANDS["READ_FLASH"], b"")
        sent = taken = 0
        while taken < size:
            while sent < size and sent - taken < packet * ahead:
                self._send(content[sent : sent + packet])
                sent += packet
            frame = self._frame()
            if frame is None:
                return
            taken = int.from_bytes(frame[:4], "little")
        self._send(hashlib.md5(content, usedforsecurity=False).digest())


def _packed(pins: tuple[int, int, int, int, int] | None) -> int:
    """Pins as SPI_ATTACH packs them."""
    if pins is None:
        return 0
    clock, out, into, hold, select = pins
    return hold << 24 | select << 18 | into << 12 | out << 6 | clock
