"""What a chip prints before its application runs: its ROM's lines and the bootloader's.

Formats: the ROM's boot log (esptool documentation, "Boot Log"), and the log tags of ESP-IDF's
second stage bootloader (``components/bootloader_support``, ``components/bootloader``).
"""

from __future__ import annotations

import re

_ROM = (
    r"ESP-ROM:",
    r"Build:\w{3} {1,2}\d",
    r"ets \w{3} {1,2}\d{1,2} \d{4}",
    r"(?:\w{1,8} )?rst:0x[0-9a-fA-F]{1,2} ?\(",
    r"Saved PC:0x",
    r"SPIWP:0x",
    r"configsip: \d",
    r"clk_drv:0x",
    r"mode:\w{3,4}, clock div:",
    r"load:0x[0-9a-fA-F]{8},len:",
    r"ho \d{1,3} tail \d{1,3} room \d",
    r"entry 0x[0-9a-fA-F]{8}",
    r"Core0 run in |Valid secure boot key blocks:|secure boot verification succeeded",
)
_BOOTLOADER = (
    r"boot(?:\.esp32\w{0,4}|_comm|_tee)?",
    r"bootloader_(?:flash|mmap)",
    *("esp_image", "flash_encrypt", "flash_parts", "qio_mode"),
    r"secure_boot(?:_v[12]\w{0,8})?",
)
_LINE = re.compile(
    rf"\s*(?:{'|'.join(_ROM)}|[IWEDV] (?:\([^()]{{1,40}}\) )?(?:{'|'.join(_BOOTLOADER)}): )"
)


def is_boot_line(line: str) -> bool:
    """Whether ROM or bootloader print such a line, not an application.

    Args:
        line: one line, without control sequences. Untrusted.
    """
    return _LINE.match(line) is not None
