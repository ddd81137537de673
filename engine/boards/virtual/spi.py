"""The SPI controller of a virtual chip, through which esptool asks the flash chip what it is.

esptool writes a command of the flash chip into registers and starts it (``run_spiflash_command``).
The flash chip knows those that esptool uses that way: its identity, SFDP, status registers, reset.
"""

from __future__ import annotations

import struct
from typing import Any

_USER = 1 << 18  # SPI_CMD_REG: run what the registers say
_WITH_OUTPUT, _WITH_INPUT = 1 << 27, 1 << 28  # SPI_USER_REG
_WINDOW_BYTES = 0x100  # bytes of registers

_VENDOR, _SPI_NOR = 0x20, 0x40  # XMC, whose identity most development boards have
_READ_ID, _READ_SFDP, _RESET = 0x9F, 0x5A, 0x99
_WRITE_ENABLE, _WRITE_ENABLE_VOLATILE, _WRITE_DISABLE = 0x06, 0x50, 0x04
_READ_STATUS = {0x05: 0, 0x35: 1, 0x15: 2}
_WRITE_STATUS = {0x01: 0, 0x31: 1, 0x11: 2}


class SpiFlash:
    """The controller's registers, and the flash chip's side of the wires."""

    def __init__(self, rom: Any, size: int) -> None:
        """Describe both.

        Args:
            rom: esptool's class of the chip.
            size: of the flash, in bytes.
        """
        self._rom = rom
        self._registers: dict[int, int] = {}
        self._identity = bytes([_VENDOR, _SPI_NOR, size.bit_length() - 1])
        self._sfdp = _sfdp(size)
        self._kept = [0, 0, 0]
        self._status = list(self._kept)
        self._enabled = 0
        self.is_attached = False
        """Whether the controller's pins are those of the flash chip."""

    def has(self, address: int) -> bool:
        """Whether an address is one of these registers."""
        return 0 <= address - int(self._rom.SPI_REG_BASE) < _WINDOW_BYTES

    def read(self, address: int) -> int:
        """A register."""
        return self._registers.get(address - self._rom.SPI_REG_BASE, 0)

    def write(self, address: int, value: int) -> None:
        """Set a register; starts a command when that is what it says."""
        place = address - self._rom.SPI_REG_BASE
        self._registers[place] = value
        if place == 0 and value & _USER:
            self._registers[0] = 0  # done
            self._run()

    def _run(self) -> None:
        rom, registers = self._rom, self._registers
        user = registers.get(rom.SPI_USR_OFFS, 0)
        command = registers.get(rom.SPI_USR2_OFFS, 0) & 0xFF
        address = registers.get(4, 0) >> (8 if rom.SPI_ADDR_REG_MSB else 0)
        sent = b""
        if user & _WITH_OUTPUT:
            bits = registers.get(rom.SPI_MOSI_DLEN_OFFS, 0) + 1
            sent = struct.pack("<I", registers.get(rom.SPI_W0_OFFS, 0))[: bits // 8]
        answer = self._answer(command, address & 0xFFFFFF, sent) if self.is_attached else b""
        if user & _WITH_INPUT:
            size = (registers.get(rom.SPI_MISO_DLEN_OFFS, 0) + 8) // 8
            # A wire that nobody drives is pulled up.
            word = answer[:size].ljust(min(size, 4), b"\xff").ljust(4, b"\0")
            registers[rom.SPI_W0_OFFS] = struct.unpack_from("<I", word)[0]

    def _answer(self, command: int, address: int, sent: bytes) -> bytes:
        if command == _READ_ID:
            return self._identity
        if command == _READ_SFDP:
            return self._sfdp[address:]
        if command in _READ_STATUS:
            return bytes([self._status[_READ_STATUS[command]]])
        if command in (_WRITE_ENABLE, _WRITE_ENABLE_VOLATILE):
            self._enabled = command
        elif command == _WRITE_DISABLE:
            self._enabled = 0
        elif command in _WRITE_STATUS and self._enabled:
            first = _WRITE_STATUS[command]
            for number, value in enumerate(sent[: 3 - first], first):
                self._status[number] = value
                if self._enabled == _WRITE_ENABLE:
                    self._kept[number] = value
            self._enabled = 0
        elif command == _RESET:
            self._status = list(self._kept)
        return b""


def _sfdp(size: int) -> bytes:
    """Serial Flash Discoverable Parameters (JESD216): the basic table of a flash of a size."""
    basic_at = 0x30
    words = (
        *(0xFFF120E5, size * 8 - 1, 0x6B08EB44, 0xBB423B08, 0xFFFFFFFE),
        *(0xFF00FFFF, 0xEB21FFFF, 0x520F200C, 0xFF00D810),
    )
    header = b"SFDP" + bytes([0, 1, 1, 0xFF])  # revision 1.0, two tables
    jedec = struct.pack("<BBBB", 0x00, 0, 1, len(words)) + struct.pack("<I", 0xFF000000 | basic_at)
    vendor = struct.pack("<BBBB", _VENDOR, 0, 1, 0) + struct.pack("<I", 0xFF000060)
    table = header + jedec + vendor
    return table.ljust(basic_at, b"\xff") + struct.pack(f"<{len(words)}I", *words) + b"\xff" * 16
