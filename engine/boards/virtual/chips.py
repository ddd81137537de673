"""The chips that a virtual board can be, as data, and how a person chooses one.

What stands here is what a person may ask for: packages, revisions, sizes of flash, security. Where
esptool reads it from is :mod:`engine.boards.virtual.registers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import UsageError
from engine.text import near

RUNNABLE = frozenset({"esp32c3", "esp32c6"})
"""Chips whose firmware a virtual board runs; the others are flashed, read and erased only."""

CANNOT_RUN = "an emulated {chip} cannot run firmware, it only keeps it"
"""What is said of firmware on another one."""

CANNOT_START = (
    "nothing came from it, and LabWired, which an emulated {chip} runs on, does not start programs "
    "with a bootloader, as those of ESP-IDF"
)
"""What is said of such firmware on a chip that is in :data:`RUNNABLE`, when it is silent."""

STOPPED = "virtual board: the chip stopped: "
"""What begins the line in which a virtual board says that its chip cannot go on, and why."""

DEFAULT_FLASH_BYTES = 4 << 20
"""Bytes of flash of a chip whose package has none of its own."""

FLASH_SIZES = {f"{megabytes}MB": megabytes << 20 for megabytes in (1, 2, 4, 8, 16, 32, 64, 128)}
"""Sizes that esptool detects, in bytes."""

SECURE_BOOT, SECURE_BOOT_V1 = "secure-boot", "secure-boot-v1"
ENCRYPTION, ENCRYPTION_RELEASE = "encryption", "encryption-release"
SECURE_DOWNLOAD = "secure-download"

_RESTRICTED = {
    SECURE_BOOT: {"SECURE_BOOT_EN": 1, "KEY_PURPOSE_1": 9},
    ENCRYPTION: {"SPI_BOOT_CRYPT_CNT": 1, "KEY_PURPOSE_0": 4, "RD_DIS": 1},
    ENCRYPTION_RELEASE: {
        "SPI_BOOT_CRYPT_CNT": 7,
        "KEY_PURPOSE_0": 4,
        "RD_DIS": 1,
        "DIS_DOWNLOAD_MANUAL_ENCRYPT": 1,
    },
    SECURE_DOWNLOAD: {"ENABLE_SECURITY_DOWNLOAD": 1},
}
# One key block, whose purpose is fixed.
_RESTRICTED_C2 = {
    state: {name: value for name, value in fields.items() if not name.startswith("KEY_")}
    for state, fields in _RESTRICTED.items()
}
# No secure download mode; Secure Boot v2 from revision 3.0 on.
_RESTRICTED_ESP32 = {
    SECURE_BOOT: {"ABS_DONE_1": 1},
    SECURE_BOOT_V1: {"ABS_DONE_0": 1},
    ENCRYPTION: {"FLASH_CRYPT_CNT": 1, "FLASH_CRYPT_CONFIG": 0xF, "RD_DIS": 1},
    ENCRYPTION_RELEASE: {
        "FLASH_CRYPT_CNT": 0x7F,
        "FLASH_CRYPT_CONFIG": 0xF,
        "RD_DIS": 1,
        "DISABLE_DL_ENCRYPT": 1,
    },
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package or module of a chip.

    Args:
        efuses: what sets it apart, by the names of espefuse.
        flash: bytes of the flash in it, None for one outside.
        revision: of the chips in it, empty for the chip's own default.
    """

    efuses: Mapping[str, int] = field(default_factory=dict)
    flash: int | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip.

    Args:
        revision: which one it is by default: one that the default images of ESP-IDF accept
            (``*_REV_MIN`` and ``*_REV_MAX_FULL`` in its ``Kconfig.hw_support``).
        rom: how its ROM names itself at a reset, and when it was built.
        boot: what the strapping pins say at a normal start.
        pins: of its flash: CLK, Q, D, HD, CS (ESP-IDF, ``soc/spi_pins.h``).
        packages: by name, the default first.
        erased: what the ROM says of a flash without an image.
        crystal: in MHz.
        security: the eFuses of each security state that it can have.
        mac_ext: whether it has an EUI-64 beside its MAC.
    """

    revision: str
    rom: str
    boot: str
    pins: tuple[int, int, int, int, int] | None
    packages: Mapping[str, Package]
    erased: str = "invalid header: 0xffffffff\r\n"
    crystal: int = 40
    security: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: _RESTRICTED)
    mac_ext: bool = False


def _embedded(megabytes: int, **efuses: int) -> Package:
    return Package(efuses, megabytes << 20)


CHIPS: Mapping[str, Chip] = {
    "esp32": Chip(
        revision="v3.1",
        rom="ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET)",
        boot="0x13",
        pins=(6, 7, 8, 9, 11),
        erased="flash read err, 1000\r\nets_main.c 371 \r\n",
        security=_RESTRICTED_ESP32,
        packages={
            "ESP32-D0WD-V3": Package({"CHIP_PACKAGE": 1}),
            "ESP32-D0WD": Package({"CHIP_PACKAGE": 1}, revision="v1.0"),
            "ESP32-D0WDQ6": Package(revision="v1.0"),
            "ESP32-D0WDQ6-V3": Package(),
            "ESP32-S0WD": Package({"CHIP_PACKAGE": 1, "DISABLE_APP_CPU": 1}, revision="v1.0"),
            "ESP32-D2WD": Package({"CHIP_PACKAGE": 2}, 2 << 20, "v1.0"),
            "ESP32-U4WDH": _embedded(4, CHIP_PACKAGE=4),
            "ESP32-PICO-D4": Package({"CHIP_PACKAGE": 5}, 4 << 20, "v1.0"),
            "ESP32-PICO-V3": _embedded(4, CHIP_PACKAGE=5),
            "ESP32-PICO-V3-02": _embedded(8, CHIP_PACKAGE=6),
            "ESP32-D0WDR2-V3": Package({"CHIP_PACKAGE": 7}),
            "unknown": Package({"CHIP_PACKAGE": 3}),
        },
    ),
    "esp32s2": Chip(
        revision="v1.0",
        rom="ESP-ROM:esp32s2-rc4-20191025\r\nBuild:Oct 25 2019\r\nrst:0x1 (POWERON)",
        boot="0x8",
        pins=(30, 31, 32, 27, 29),
        packages={
            "ESP32-S2": Package(),
            "ESP32-S2FH2": _embedded(2, FLASH_VERSION=1),
            "ESP32-S2FH4": _embedded(4, FLASH_VERSION=2),
            "ESP32-S2FNR2": _embedded(4, FLASH_VERSION=2, PSRAM_VERSION=1),
            "ESP32-S2R2": Package({"PSRAM_VERSION": 1}),
            "unknown": Package({"FLASH_VERSION": 15}),
        },
    ),
    "esp32s3": Chip(
        revision="v0.2",
        rom="ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\nrst:0x1 (POWERON)",
        boot="0x8",
        pins=(30, 31, 32, 27, 29),
        packages={
            "ESP32-S3": Package(),
            "ESP32-S3FH4R2": _embedded(4, FLASH_CAP=2, FLASH_VENDOR=1, PSRAM_CAP=2, PSRAM_VENDOR=1),
            "ESP32-S3R8": Package({"PSRAM_CAP": 1, "PSRAM_VENDOR": 1}),
            "ESP32-S3-PICO-1": _embedded(
                8, PKG_VERSION=1, FLASH_CAP=1, FLASH_VENDOR=2, PSRAM_CAP=2, PSRAM_VENDOR=1
            ),
            "unknown": Package({"PKG_VERSION": 7}),
        },
    ),
    "esp32c2": Chip(
        revision="v1.2",
        rom="ESP-ROM:esp8684-api2-20220127\r\nBuild:Jan 27 2022\r\nrst:0x1 (POWERON)",
        boot="0xc",
        pins=(15, 17, 16, 12, 14),
        security=_RESTRICTED_C2,
        packages={
            "ESP32-C2": Package(),
            "ESP8684H": _embedded(4, PKG_VERSION=1, FLASH_CAP=1, FLASH_VENDOR=1),
            "unknown": Package({"PKG_VERSION": 7}),
        },
    ),
    "esp32c3": Chip(
        revision="v0.4",
        rom="ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\nrst:0x1 (POWERON)",
        boot="0xc",
        pins=(15, 17, 16, 12, 14),
        packages={
            "ESP32-C3": Package(),
            "ESP32-C3FH4": _embedded(4, FLASH_CAP=1, FLASH_VENDOR=1),
            "ESP8685": _embedded(4, PKG_VERSION=1, FLASH_CAP=1, FLASH_VENDOR=1),
            "ESP32-C3-AZ": Package({"PKG_VERSION": 2}),
            "ESP8686": _embedded(4, PKG_VERSION=3, FLASH_CAP=1, FLASH_VENDOR=1),
            "unknown": Package({"PKG_VERSION": 7}),
        },
    ),
    "esp32c5": Chip(
        revision="v1.0",
        rom="ESP-ROM:esp32c5-eco2-20250121\r\nBuild:Jan 21 2025\r\nrst:0x1 (POWERON)",
        boot="0x18",
        pins=(21, 17, 22, 20, 16),
        crystal=48,
        mac_ext=True,
        packages={
            "ESP32-C5N": Package(),
            "ESP32-C5HF4": _embedded(4, TEMP=1, FLASH_CAP=1, FLASH_VENDOR=1),
            "ESP32-C5HR8": Package({"TEMP": 1, "PSRAM_CAP": 2, "PSRAM_VENDOR": 1}),
            "unknown": Package({"TEMP": 3}),
        },
    ),
    "esp32c6": Chip(
        revision="v0.2",
        rom="ESP-ROM:esp32c6-20220919\r\nBuild:Sep 19 2022\r\nrst:0x1 (POWERON)",
        boot="0xc",
        pins=(29, 25, 30, 28, 24),
        mac_ext=True,
        packages={
            "ESP32-C6": Package(),
            "ESP32-C6FH4": _embedded(4, PKG_VERSION=1, FLASH_CAP=1),
            "ESP32-C6FH8": _embedded(8, PKG_VERSION=1, FLASH_CAP=2),
            "unknown": Package({"PKG_VERSION": 7}),
        },
    ),
    "esp32c61": Chip(
        revision="v1.0",
        rom="rst:0x1 (POWERON)",
        boot="0x8",
        pins=(20, 16, 21, 19, 15),
        packages={
            "ESP32-C61N": Package(),
            "ESP32-C61HF4": _embedded(4, TEMP=1, FLASH_CAP=1, FLASH_VENDOR=1),
            "ESP32-C61HR2": Package({"TEMP": 1, "PSRAM_CAP": 1}),
            "unknown": Package({"TEMP": 3}),
        },
    ),
    "esp32h2": Chip(
        revision="v0.2",
        rom="ESP-ROM:esp32h2-20221101\r\nBuild:Nov  1 2022\r\nrst:0x1 (POWERON)",
        boot="0xc",
        pins=(19, 16, 20, 18, 15),
        mac_ext=True,
        packages={
            "ESP32-H2": Package(),
            "ESP32-H2FH2": _embedded(2, FLASH_TEMP=1, FLASH_CAP=2),
            "ESP32-H2FH4": _embedded(4, FLASH_TEMP=1, FLASH_CAP=1),
            "unknown": Package({"PKG_VERSION": 7}),
        },
    ),
    "esp32p4": Chip(
        revision="v3.1",
        rom="ESP-ROM:esp32p4-eco5-20250430\r\nBuild:Apr 30 2025\r\nrst:0x1 (POWERON)",
        boot="0x8",
        pins=None,
        packages={"ESP32-P4": Package(), "unknown": Package({"PKG_VERSION": 7})},
    ),
}
"""Every chip that a virtual board can be."""

_REVISION = re.compile(r"v?(\d)\.(\d{1,2})")
_QUERY = re.compile(r"[A-Za-z0-9.+_-]{1,40}=[A-Za-z0-9.+_-]{1,80}")


@dataclass(frozen=True, slots=True)
class Options:
    """What a virtual board is, beside its chip.

    Args:
        package: a key of :attr:`Chip.packages`.
        revision: major and minor number.
        flash: bytes.
        security: states, keys of :attr:`Chip.security`.
    """

    package: str
    revision: tuple[int, int]
    flash: int
    security: frozenset[str] = frozenset()

    @property
    def is_encrypted(self) -> bool:
        """Whether the chip decrypts what it reads from its flash."""
        return bool(self.security & {ENCRYPTION, ENCRYPTION_RELEASE})


def parse_options(chip: str, query: str) -> Options:
    """Read what a board's name says after the ``?``.

    Args:
        chip: a key of :data:`CHIPS`.
        query: ``key=value`` joined by ``&``: ``package``, ``revision`` (``v0.4``), ``flash``
            (``8MB``), ``security`` (states joined by ``+``); what is left out is the default.

    Raises:
        UsageError: there is no such key or value, or no such chip; says what there is.
    """
    if chip not in CHIPS:
        raise UsageError(f"no virtual {chip} (there is {', '.join(CHIPS)}){near(chip, CHIPS)}")
    silicon = CHIPS[chip]
    given: dict[str, str] = {}
    for part in query.split("&") if query else ():
        key, _, value = part.partition("=")
        if not _QUERY.fullmatch(part) or key not in ("package", "revision", "flash", "security"):
            raise UsageError(
                f"{part[:80]!r}: give package=, revision=, flash= or security=, joined by &"
            )
        given[key] = value
    package = _one_of("package", given.get("package", next(iter(silicon.packages))), silicon)
    flash = given.get("flash", "").upper()
    if flash and flash not in FLASH_SIZES:
        raise UsageError(f"flash={flash}: give one of {', '.join(FLASH_SIZES)}")
    word = given.get("revision") or silicon.packages[package].revision or silicon.revision
    revision = _REVISION.fullmatch(word)
    if revision is None:
        raise UsageError(f"revision={word}: give it as v0.4")
    states = frozenset(given["security"].split("+") if "security" in given else ())
    for state in states:
        _one_of("security", state, silicon)
    return Options(
        package=package,
        revision=(int(revision[1]), int(revision[2])),
        flash=FLASH_SIZES[flash]
        if flash
        else silicon.packages[package].flash or DEFAULT_FLASH_BYTES,
        security=states,
    )


def _one_of(key: str, word: str, chip: Chip) -> str:
    known = chip.packages if key == "package" else chip.security
    for name in known:
        if name.lower() == word.lower():
            return name
    raise UsageError(f"{key}={word}: give one of {', '.join(known)}")
