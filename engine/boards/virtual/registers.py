"""What esptool reads in the registers of a virtual chip: eFuses, MAC, crystal, marks of the chip.

Addresses come from esptool's own classes of chips, places of eFuses from espefuse's descriptions
of them (``espefuse/efuse_defs``), so that both find what they look for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from esptool.targets import CHIP_DEFS

from engine.boards.virtual.chips import CHIPS, Options

_OUI = b"\x24\x0a\xc4"  # of Espressif's first boards; no chip has these addresses from us
_EUI64 = 0xFFFE
_BAUD = 115200
_EFUSE_BYTES = 0x200
_CLK8M = 52  # eFuse CLK8M_FREQ of the ESP32, of which its ROM works out the crystal

# Where the blocks of eFuses are, counted from EFUSE_BASE (manual of each, "eFuse Controller").
_BLOCKS = {
    "esp32": (0x00, 0x38, 0x58, 0x78),
    "esp32c2": (0x2C, 0x34, 0x40, 0x60),
}
_MANY_BLOCKS = (0x2C, 0x44, 0x5C, *range(0x7C, 0x17C, 0x20))

# Chips whose eFuses were moved: from which revision on, and their description since.
_MOVED = {"esp32p4": ((3, 0), "esp32p4_v3.0")}

# ESP32: bits of the major revision, by revision (CHIP_VER_REV1, CHIP_VER_REV2, APB_CTL_DATE).
_ESP32_MAJOR = {0: (0, 0, 0), 1: (1, 0, 0), 2: (1, 1, 0), 3: (1, 1, 1)}


def mac_of(name: str) -> bytes:
    """The base MAC of a board, six bytes; each name has its own."""
    return _OUI + hashlib.sha256(name.encode()).digest()[:3]


def registers(chip: str, options: Options, mac: bytes) -> dict[int, int]:
    """The 32-bit words that are not zero after a reset, by address.

    Args:
        chip: a key of :data:`engine.boards.virtual.chips.CHIPS`.
        options: what it is beside its chip.
        mac: six bytes.
    """
    rom, silicon = CHIP_DEFS[chip], CHIPS[chip]
    efuses = _Efuses(chip, options.revision)
    efuses.burn("MAC", int.from_bytes(mac, "big"))
    if silicon.mac_ext:
        efuses.burn("MAC_EXT", _EUI64)
    for name, value in silicon.packages[options.package].efuses.items():
        efuses.burn(name, value)
    for state in sorted(options.security):
        for name, value in silicon.security[state].items():
            efuses.burn(name, value)
    words = efuses.words
    if chip == "esp32":
        efuses.burn("MAC_CRC", _crc8(mac))
        _burn_esp32(rom, efuses, options.revision, silicon.crystal)
    else:
        efuses.burn("WAFER_VERSION_MAJOR", options.revision[0])
        efuses.burn("WAFER_VERSION_MINOR", options.revision[1])
    if rom.USES_MAGIC_VALUE:
        words[rom.CHIP_DETECT_MAGIC_REG_ADDR] = rom.MAGIC_VALUE
    words[rom.UART_CLKDIV_REG] = clock_divider(chip, _BAUD)
    if chip == "esp32c5":
        words[rom.PCR_SYSCLK_CONF_REG] = silicon.crystal << rom.PCR_SYSCLK_XTAL_FREQ_S
    return words


def efuses_of(chip: str, words: Mapping[int, int]) -> dict[int, int]:
    """Those of some registers that are eFuses."""
    base = _efuse_base(chip)
    return {at: word for at, word in words.items() if base <= at < base + _EFUSE_BYTES}


def clock_divider(chip: str, baud: int) -> int:
    """What divides the UART's clock at a speed in bits a second: esptool reckons the crystal so."""
    divider = int(CHIP_DEFS[chip].XTAL_CLK_DIVIDER)
    return CHIPS[chip].crystal * 1_000_000 * divider // max(1, baud)


class _Efuses:
    """eFuse words of a chip, burnt by the names of fields."""

    def __init__(self, chip: str, revision: tuple[int, int]) -> None:
        base = _efuse_base(chip)
        self._blocks = [base + offset for offset in _BLOCKS.get(chip, _MANY_BLOCKS)]
        since, moved = _MOVED.get(chip, ((0, 0), chip))
        layout = moved if revision >= since else chip
        spec = find_spec("espefuse")  # its import alone takes longer than all the rest
        assert spec is not None
        assert spec.origin is not None
        file = Path(spec.origin).with_name("efuse_defs") / f"{layout}.yaml"
        text = file.read_text("utf-8")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._fields: Mapping[str, Mapping[str, int]] = yaml.load(text, loader)["EFUSES"]  # noqa: S506
        self.words: dict[int, int] = {}

    def burn(self, name: str, value: int) -> None:
        """Set a field; one that is kept in two parts is set in both."""
        if name not in self._fields:
            low = self._fields[f"{name}_LO"]["len"]
            self.burn(f"{name}_LO", value & ((1 << low) - 1))
            self.burn(f"{name}_HI", value >> low)
            return
        place = self._fields[name]
        address = self._blocks[place["blk"]] + 4 * place["word"]
        bits = (value & ((1 << place["len"]) - 1)) << place["pos"]
        while bits:
            self.words[address] = self.words.get(address, 0) | (bits & 0xFFFFFFFF)
            address, bits = address + 4, bits >> 32


def _efuse_base(chip: str) -> int:
    rom = CHIP_DEFS[chip]
    return int(rom.EFUSE_RD_REG_BASE if chip == "esp32" else rom.EFUSE_BASE)


def _burn_esp32(rom: Any, efuses: _Efuses, revision: tuple[int, int], crystal: int) -> None:
    first, second, third = _ESP32_MAJOR.get(revision[0], _ESP32_MAJOR[3])
    efuses.burn("CHIP_VER_REV1", first)
    efuses.burn("CHIP_VER_REV2", second)
    efuses.burn("WAFER_VERSION_MINOR", revision[1])
    efuses.burn("CLK8M_FREQ", _CLK8M)
    efuses.words[rom.APB_CTL_DATE_ADDR] = third << rom.APB_CTL_DATE_S
    calibration = crystal * 1_000_000 * 40 // (15625 * _CLK8M)
    efuses.words[rom.RTCCALICFG1] = calibration << rom.TIMERS_RTC_CALI_VALUE_S


def _crc8(data: bytes) -> int:
    """CRC-8 with the reflected polynomial 0x8C, as the ESP32's ROM has it (``esp_crc8``)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc
