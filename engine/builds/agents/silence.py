"""Firmware that prints nothing: whether it does, and where its console may be instead.

The options are those of ESP-IDF's "Channel for console output" and of its log
(``components/esp_system/Kconfig``, ``components/log/Kconfig.level``).
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.enums import Severity
from engine.findings import Finding
from engine.monitor.boot_lines import is_boot_line
from engine.text import clean

CODE = "test.silent"
"""Code of the finding."""

_CAUSES = {
    "CONFIG_ESP_CONSOLE_NONE": "the console is switched off",
    "CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG": "the console is on the chip's own USB port",
    "CONFIG_ESP_CONSOLE_USB_CDC": "the console is on the chip's USB OTG port",
    "CONFIG_ESP_CONSOLE_UART_CUSTOM": "the console is on a UART or on pins of the project's choice",
    "CONFIG_LOG_DEFAULT_LEVEL_NONE": "logs are switched off",
}
"""Options that keep a console silent, and what each means; the first that is set is told."""

_ELSEWHERE = "see whether its console is on this port and at this speed (baud in espdeck.toml)"
_ANYWHERE = f"{_ELSEWHERE}, and whether it ever prints: something for `expect` to wait for"


def is_silent(transcript: str) -> bool:
    """Whether an application printed nothing: its ROM and its bootloader do not count."""
    lines = (clean(line).strip() for line in transcript.splitlines())
    return all(is_boot_line(line) for line in lines if line)


def finding(ran_on: str, seconds: float, transcript: str, options: Mapping[str, str]) -> Finding:
    """What is said of a silent one.

    Args:
        ran_on: the board's or the simulator's name.
        seconds: how long it was listened to.
        transcript: what was printed, of ROM and bootloader at the most.
        options: of the project's ``sdkconfig``, empty where it has none.
    """
    booted = [line for line in map(clean, transcript.splitlines()) if line.strip()]
    beyond = " but what its ROM and bootloader say" if booted else ""
    cause = next((name for name in _CAUSES if options.get(name) == "y"), "")
    hint = f"{_CAUSES[cause]} ({cause}=y): {_ELSEWHERE}" if cause else _ANYWHERE
    return Finding(
        severity=Severity.WARNING,
        code=CODE,
        message=f"{ran_on} printed nothing{beyond} in {seconds:g} s",
        hint=hint,
        evidence="\n".join(booted[-8:]) or None,
    )
