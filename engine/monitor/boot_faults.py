"""Lines by which a ROM, a bootloader or ESP-IDF's start-up say what is wrong, as data.

The words are those of the ROMs (esptool's documentation, "Boot Mode Selection"; what they print is
the same for years) and of ESP-IDF: ``bootloader_support`` (``bootloader_utility.c``,
``esp_image_format.c``, ``flash_partitions.c``, ``bootloader_common_loader.c``, ``secure_boot*``),
``esp_system`` (``cpu_start.c``), ``esp_psram``, ``spi_flash``, ``esp_hw_support/brownout.c``.
Patterns are in the common part of Python's and RE2's syntax.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.enums import Severity
from engine.monitor.reset_reasons import Cause

BROWNOUT = "boot.brownout"
DOWNLOAD = "boot.download"
PSRAM = "boot.psram"


@dataclass(frozen=True, slots=True)
class Sign:
    """A line that tells of a problem.

    Args:
        pattern: in a line.
        code: of the finding.
        message: of the finding; ``{0}`` is the pattern's first group.
        hint: what a person might do.
        severity: how much it matters.
        is_fault: whether the chip does not get further, so that it is reset or waits.
        at_boot: whether the same words of a program that runs mean something else, such as an
            update that is refused.
        is_of_partition: whether a partition is empty, and the bootloader looks for another.
    """

    pattern: re.Pattern[str]
    code: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    is_fault: bool = True
    at_boot: bool = False
    is_of_partition: bool = False


def _sign(
    code: str,
    pattern: str,
    message: str,
    hint: str,
    *,
    severity: Severity = Severity.ERROR,
    is_fault: bool = True,
    at_boot: bool = True,
    is_of_partition: bool = False,
) -> Sign:
    compiled = re.compile(pattern)
    return Sign(compiled, code, message, hint, severity, is_fault, at_boot, is_of_partition)


_FLASH_ALL = "flash all parts of the image, at the offsets that the chip wants"
_FLASH_AGAIN = "flash the image again; when it stays so, look at the flash chip and its supply"
_POWER = "use a better supply or a shorter cable; look at what draws current at this moment"
_OTHER_CHIP = "build for the chip that the board has (idf.py set-target)"
_TABLE = "flash the project's partition table at the offset that the bootloader was built for"
_SIGNED = "sign bootloader and app with the key whose digest the chip has"

PSRAM_MISSING = _sign(
    PSRAM,
    r"Failed to init external RAM; continuing without it"
    r"|(?:PSRAM|SPI RAM) enabled but initialization failed|PSRAM init failed!",
    "PSRAM cannot be used: the program runs without it",
    "choose the line mode and voltage that the module's PSRAM has (CONFIG_SPIRAM_MODE_QUAD or "
    "_OCT), or switch CONFIG_SPIRAM off where there is none",
    severity=Severity.WARNING,
    is_fault=False,
    at_boot=False,
)

SIGNS = (
    _sign(
        BROWNOUT,
        r"Brownout detector was triggered",
        "brownout: the supply voltage fell too low",
        _POWER,
        at_boot=False,
    ),
    _sign(
        "boot.flash-read",
        r"flash read err, (\d{1,8})",
        "the ROM finds no bootloader in flash, or cannot read it (flash read err, {0})",
        "flash bootloader, partition table and app; with flash encryption or other flash wiring, "
        "look at those; on an ESP32, GPIO12 high at reset sets the flash to 1.8 V",
    ),
    _sign(
        "boot.no-image",
        r"^[Ii]nvalid header: ?(0x[0-9a-fA-F]{8})\b",
        "nothing bootable in flash (invalid header {0})",
        f"0xffffffff is erased flash: {_FLASH_ALL}; what changes from chip to chip is a plain "
        "bootloader on a chip with flash encryption, or an encrypted one on a chip without",
        at_boot=False,
    ),
    _sign(
        "boot.image",
        r"\bcsum err:? ?(0x[0-9a-fA-F]{1,8}.{0,20})",
        "what is in flash is damaged: its checksum is wrong ({0})",
        _FLASH_AGAIN,
    ),
    _sign(
        "boot.image",
        r"^(load:0xffffffff,len:-1)\b",
        "what the ROM reads as bootloader is not what was flashed ({0})",
        "flash it in a mode that the flash chip has (DIO works with all); when it stays so, look "
        "at the flash chip, its wiring and its supply",
    ),
    _sign(
        "boot.image",
        # Addresses of mapped flash, which no bootloader has: ESP32, S2; P4; all others.
        r"^(load:0x(?:3f[4-7][0-9a-f]{5}|40[0-9a-f]{2}0020|3c[0-9a-f]{6}|42[0-9a-f]{6}),len:\w{1,10})",
        "what lies where the bootloader belongs is an app ({0})",
        _FLASH_ALL,
    ),
    _sign(
        "boot.image",
        r"^ets_loader\.c (\d{1,5})",
        "the ROM cannot load what lies where the bootloader belongs (ets_loader.c {0})",
        _FLASH_ALL,
    ),
    _sign(
        "boot.image",
        r"Invalid image block, can't boot",
        "what is in flash is damaged: the ROM cannot load the bootloader",
        f"{_FLASH_AGAIN}; the flash mode (DIO, QIO, OPI) must be one that the flash chip has",
    ),
    _sign(
        "boot.no-image",
        r"Falling back to built-in command interpreter",
        "nothing bootable in flash: the ROM waits in its command interpreter",
        _FLASH_ALL,
    ),
    _sign(
        "boot.returned",
        r"^user code done",
        "the bootloader or program ended and returned to the ROM (user code done)",
        "what was flashed as bootloader is not a bootloader, or is for another chip or revision",
    ),
    _sign(
        "boot.secure",
        r"(?i)(secure boot (?:check|verification|v2|signature verification)? ?fail\w{0,3}|"
        r"secure boot (?:v2|signature) verification failed|Sig block \d{1,2} invalid.{0,80})",
        "secure boot refuses what is in flash: {0}",
        _SIGNED,
    ),
    _sign(
        "boot.secure",
        r"secure_boot\w{0,8}: ((?:Bootloader|Application|TEE) signature block is invalid"
        r"|No valid .{1,40}signature blocks? found|No application key digest matches.{0,60})",
        "secure boot refuses what is in flash: {0}",
        _SIGNED,
    ),
    _sign(
        "boot.secure",
        r"\bE .{0,60}: (.{1,120}, refusing to boot)",
        "the bootloader refuses to boot: {0}",
        "the program wants security features that this chip does not have switched on",
    ),
    _sign(
        "boot.partition-table",
        r"flash_parts: (partition \d{1,3} invalid.{1,160}|Incorrect MD5 checksum"
        r"|Only one MD5 checksum is allowed|partition table has no terminating entry.{0,40})",
        "the partition table is not valid: {0}",
        f"{_TABLE}; set CONFIG_ESPTOOLPY_FLASHSIZE to what the board has",
    ),
    _sign(
        "boot.partition-table",
        r"(Failed to verify partition table|load partition table error!)",
        "the bootloader finds no valid partition table",
        _TABLE,
    ),
    _sign(
        "boot.chip",
        r"mismatch chip ID, expected (\d{1,3}), found (\d{1,3})",
        "the image is for another chip: it says {1}, this is {0}",
        _OTHER_CHIP,
    ),
    _sign(
        "boot.revision",
        r"(chip revision check failed\. Required .{1,60}|Image requires (?:chip|efuse blk) rev"
        r".{1,80}|can't run on (?:lower|higher) chip revision.{0,60}"
        r"|(?:This chip is|You are using) .{1,60}but the app was .{1,60})",
        "the image is not for this revision of the chip: {0}",
        "set the least and the greatest supported revision (CONFIG_<CHIP>_REV_MIN and _MAX)",
    ),
    _sign(
        "boot.image",
        r"\bE .{0,40}esp_image: (Image length \d{1,10} doesn't fit in partition.{1,40})",
        "the app does not fit into its partition: {0}",
        "make the partition larger, or the app smaller",
    ),
    _sign(
        "boot.no-image",
        r"\bE .{0,40}esp_image: (image at 0x[0-9a-f]{1,8} has invalid magic byte.{0,40})",
        "nothing bootable in flash: {0}",
        _FLASH_ALL,
        is_of_partition=True,
    ),
    _sign(
        "boot.image",
        r"\bE .{0,40}esp_image: (.{1,200})",
        "the app in flash is not valid: {0}",
        _FLASH_AGAIN,
    ),
    _sign(
        "boot.no-image",
        r"boot: ((?:Factory app|Factory test app|OTA app) partition.{0,12} is not bootable)",
        "nothing bootable in flash: {0}",
        _FLASH_ALL,
        is_of_partition=True,
    ),
    _sign(
        "boot.no-image",
        r"No bootable (?:app|test) partition",
        "nothing bootable in flash: no partition holds a program that can be started",
        _FLASH_ALL,
    ),
    _sign(
        "boot.no-image",
        r"\bets_main\.c (\d{1,5})",
        "the ROM could not start what is in flash (ets_main.c {0})",
        _FLASH_ALL,
    ),
    _sign(
        "boot.flash-size",
        r"Detected size\((\d{1,8}k)\) smaller than the size in the binary image header\((\d{1,8}k)",
        "the flash has {0}, the image was made for {1}",
        "set CONFIG_ESPTOOLPY_FLASHSIZE to what the board has",
        at_boot=False,
    ),
    _sign(
        "boot.flash-mode",
        r"(Octal Flash option selected, but EFUSE not configured!"
        r"|Detected MXIC Flash, but memory type is not Octal)",
        "the flash is of another kind than the image was built for: {0}",
        "set CONFIG_ESPTOOLPY_OCT_FLASH and CONFIG_ESPTOOLPY_FLASHMODE_* to what the board has",
        at_boot=False,
    ),
    _sign(
        "boot.cores",
        r"Running on single core variant of a chip",
        "the chip has one core, the image was built for two",
        "set CONFIG_FREERTOS_UNICORE",
        at_boot=False,
    ),
    _sign(
        PSRAM,
        r"(?:Failed to init external RAM(?:!|, needed)|External RAM failed memory test!)",
        "PSRAM cannot be used",
        "choose the line mode and voltage that the module's PSRAM has (CONFIG_SPIRAM_MODE_QUAD or "
        "_OCT), or switch CONFIG_SPIRAM off where there is none",
        at_boot=False,
    ),
    PSRAM_MISSING,
    _sign(
        "boot.sha256",
        r"^SHA-256 comparison failed",
        "the bootloader in flash is not the one that was built: its SHA-256 is wrong",
        "flash it again; esptool changes flash mode and size in it, and its hash with them",
        severity=Severity.WARNING,
        is_fault=False,
    ),
    _sign(
        DOWNLOAD,
        r"^waiting for download *$",
        "the chip waits for a download: it runs no program",
        "release the BOOT button or what else holds the pin low, then reset the board; an "
        "auto-reset circuit holds it while DTR and RTS are asserted wrongly",
    ),
)
"""In one line the first that fits counts: special words stand before general ones."""

HARDWARE = {
    Cause.BROWNOUT: (
        BROWNOUT,
        "brownout: the supply voltage fell too low",
        _POWER,
    ),
    Cause.WATCHDOG: (
        "boot.watchdog-reset",
        "a hardware watchdog reset the chip ({0})",
        "the program hung with interrupts off, or did not feed a watchdog that the ROM leaves on",
    ),
    Cause.GLITCH: (
        "boot.glitch",
        "a glitch of power or clock reset the chip ({0})",
        "look at the supply, its capacitors and what switches large loads beside the chip",
    ),
    Cause.LOCKUP: (
        "boot.lockup",
        "the CPU locked up and was reset: it failed again while it handled a failure ({0})",
        "look at what runs in exception handlers, and at the stack that they use",
    ),
    Cause.EFUSE: (
        "boot.efuse",
        "the chip was reset because its eFuses could not be read ({0})",
        "look at the supply; a chip that does so again and again is damaged",
    ),
}
"""What is said of a reset that nobody asked for: code, message, hint."""

BOOT_PINS = {
    "esp8266": "GPIO0",
    "esp32": "GPIO0",
    "esp32s2": "GPIO0",
    "esp32s3": "GPIO0",
    "esp32p4": "GPIO35",
    "esp32c5": "GPIO28",
    "esp32h21": "GPIO14",
    "esp32h4": "GPIO14",
    "esp32s31": "GPIO61",
}
"""The pin that is low at reset for the download mode (esptool's documentation, "Boot Mode
Selection"); GPIO9 for all others."""
