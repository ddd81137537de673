"""What a board with a known-good image may say, and which of it is a fault."""

from __future__ import annotations

import pytest

from engine.builds.agents.output_checker import OutputChecker
from engine.checks.known_good import fault_of
from engine.manifest import Manifest

ROM = "ESP-ROM:esp32c3-api1-20210207\r\nrst:0x1 (POWERON),boot:0xd (SPI_FAST_FLASH_BOOT)\r\n"
BROWNOUT = (
    "ESP-ROM:esp32c3-api1-20210207\r\nrst:0xf (BROWNOUT_RST),boot:0xd (SPI_FAST_FLASH_BOOT)\r\n"
    "I (20) boot: ESP-IDF v5.5.5 2nd stage bootloader\r\n"
    "\r\nBrownout detector was triggered\r\n\r\n"
)
PANIC = (
    "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\r\n"
    "\r\nCore  0 register dump:\r\nMEPC    : 0x42000abc  RA      : 0x42000abc\r\n"
    "\r\nELF file SHA256: 0123456789abcdef\r\n\r\nRebooting...\r\n"
)


def heard(text: str, manifest: Manifest) -> str:
    checker = OutputChecker(manifest, target="esp32c3")
    checker.feed(text.encode())
    checker.tick(manifest.timeout + 1)
    checker.end("nothing more came")
    return fault_of(checker, "blink #12")


@pytest.mark.parametrize(
    ("text", "manifest", "fault"),
    [
        (f"{ROM}I (300) main: ready\r\n", Manifest(), ""),
        (f"{ROM}I (300) main: ready\r\n", Manifest(expect=("ready",)), ""),
        ("", Manifest(), "blink #12 printed nothing"),
        (ROM, Manifest(), "blink #12 printed nothing"),
        (
            f"{ROM}I (300) main: no sensor\r\n",
            Manifest(expect=("ready",)),
            "blink #12 never printed 'ready'; its last line was 'I (300) main: no sensor'",
        ),
        (f"{ROM}I (9) main: ready\r\n{PANIC}", Manifest(expect=("ready",)), "blink #12 panics: "),
        (BROWNOUT * 8, Manifest(), "blink #12 boots again and again ("),
        (
            f"{ROM}main.c:7:test_led:FAIL: Expected 1 Was 0\r\n\r\n-----------------------\r\n"
            "1 Tests 1 Failures 0 Ignored\r\nFAIL\r\n",
            Manifest(unity=True),
            "blink #12: test test_led failed: Expected 1 Was 0",
        ),
        (
            f"{ROM}I (300) main: begins\r\n",
            Manifest(unity=True),
            "blink #12: its tests failed or did not finish",
        ),
        ("\x00\xff\xfe\x80\x81~~~\r\n" * 3, Manifest(expect=("ready",)), "blink #12 never printed"),
    ],
)
def test_a_fault_is_told_in_a_line(text: str, manifest: Manifest, fault: str) -> None:
    found = heard(text, manifest)
    assert found.startswith(fault)
    assert bool(found) is bool(fault)
    assert "\n" not in found
