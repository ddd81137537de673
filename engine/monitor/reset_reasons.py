"""Why a chip was reset, as its ROM says it.

The names are those of ``<chip>/rom/rtc.h`` of ESP-IDF for every chip, and those that the ROMs print
for them: ``SW_CPU_RESET`` of the ESP32 is ``RTC_SW_CPU_RST`` on an ESP32-S3 and ``LP_SW_HPSYS`` on
an ESP32-C6, ``DEEPSLEEP_RESET`` is ``DSLEEP`` or ``SLEEP_WAKEUP``. The numbers are the same for all
of them but a few, so a name that is not known yet is read by its number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_MAX_LINE_CHARACTERS = 1000
_ESP32 = re.compile(r"\brst:0x([0-9a-fA-F]{1,2}) ?\((\w{1,40})\)")
_ESP8266 = re.compile(r"\brst cause ?:? ?([0-9])\b")


class Cause(StrEnum):
    """What made a reset."""

    POWER = "power"
    """Power came, or a person pressed EN: no chip can tell these apart."""

    EXTERNAL = "external"
    SOFTWARE = "software"
    SLEEP = "sleep"
    DEBUGGER = "debugger"
    """Over USB or JTAG: a flasher, a monitor, a debugger."""

    WATCHDOG = "watchdog"
    BROWNOUT = "brownout"
    GLITCH = "glitch"
    LOCKUP = "lockup"
    EFUSE = "efuse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reset:
    """One reset: ``name`` is as the ROM spells it."""

    name: str
    cause: Cause


_BY_WORDS = (
    # The order matters: USB_JTAG_CHIP_RESET is no JTAG alone, SUPER_WDT_RESET no software's.
    (re.compile(r"BROWN_?OUT"), Cause.BROWNOUT),
    (re.compile(r"WDT|WDG|SWD(?:_|$)"), Cause.WATCHDOG),
    (re.compile(r"SLEEP|PWR_DOWN"), Cause.SLEEP),
    (re.compile(r"USB|JTAG"), Cause.DEBUGGER),
    (re.compile(r"GLITCH|INTRUSION"), Cause.GLITCH),
    (re.compile(r"LOCKUP"), Cause.LOCKUP),
    (re.compile(r"EFUSE"), Cause.EFUSE),
    (re.compile(r"(?:^|_)SW(?:_|$)"), Cause.SOFTWARE),
    (re.compile(r"POWER_?ON|CHIP_POWER|VBAT"), Cause.POWER),
    (re.compile(r"EXT|SDIO"), Cause.EXTERNAL),
)
_BY_NUMBER = {
    **dict.fromkeys((4, 7, 8, 9, 11, 13, 16, 17, 18), Cause.WATCHDOG),
    **dict.fromkeys((21, 22, 24), Cause.DEBUGGER),
    **dict.fromkeys((3, 12), Cause.SOFTWARE),
    **dict.fromkeys((10, 19, 25), Cause.GLITCH),
    **dict.fromkeys((6, 14), Cause.EXTERNAL),
    1: Cause.POWER,
    5: Cause.SLEEP,
    15: Cause.BROWNOUT,
    20: Cause.EFUSE,
    26: Cause.LOCKUP,
}
_OF_ESP8266 = {
    1: Reset("POWERON", Cause.POWER),
    2: Reset("EXTERNAL", Cause.EXTERNAL),
    3: Reset("SOFTWARE", Cause.SOFTWARE),
    4: Reset("WATCHDOG", Cause.WATCHDOG),
}


def read(line: str) -> Reset | None:
    """The reset that a line of a ROM tells of; None for any other line."""
    line = line[:_MAX_LINE_CHARACTERS]
    found = _ESP32.search(line)
    if found is not None:
        return Reset(found[2], cause_of(found[2], int(found[1], 16)))
    found = _ESP8266.search(line)
    return _OF_ESP8266.get(int(found[1])) if found is not None else None


def cause_of(name: str, number: int) -> Cause:
    """What a reset's name means; its number where the name is of no known kind."""
    for words, cause in _BY_WORDS:
        if words.search(name):
            return cause
    return _BY_NUMBER.get(number, Cause.UNKNOWN)
