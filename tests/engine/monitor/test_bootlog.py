"""Boot messages: who resets a chip and why."""

from __future__ import annotations

import re
import time

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from engine.findings import Finding
from engine.monitor.boot_faults import SIGNS, Sign
from engine.monitor.boot_loop import LOOP_CYCLES, LOOP_SAME_RESTARTS
from engine.monitor.bootlog import PROGRESS_SECONDS, BootReader, examine
from engine.monitor.interruptions import interruption

ROM = "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n"
CLEAN = ROM + "rst:0x1 (POWERON),boot:0xd (SPI_FAST_FLASH_BOOT)\r\nI (21) main: hello\r\n"
PANIC = (
    "rst:0xc (RTC_SW_CPU_RST),boot:0xd (SPI_FAST_FLASH_BOOT)\n"
    "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\n"
    "Rebooting...\n"
)


def test_a_clean_boot_has_facts_and_no_findings() -> None:
    log = examine(CLEAN, target="esp32c3")

    assert (log.chip, log.resets, log.panics, log.loops) == ("esp32c3", ("POWERON",), (), False)
    assert log.findings == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("E BOD: Brownout detector was triggered", "boot.brownout"),
        ("rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", "boot.brownout"),
        ("rst:0xf (BROWNOUT_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)", "boot.brownout"),
        ("rst:0x7 (TG0WDT_SYS_RST),boot:0xd (SPI_FAST_FLASH_BOOT)", "boot.watchdog-reset"),
        ("rst:0x8 (TG1WDT_SYS_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", "boot.watchdog-reset"),
        ("rst:0x10 (RTCWDT_RTC_RST),boot:0xd (SPI_FAST_FLASH_BOOT)", "boot.watchdog-reset"),
        ("rst:0x10 (LP_WDT_SYS),boot:0xc (SPI_FAST_FLASH_BOOT)", "boot.watchdog-reset"),
        ("invalid header: 0xffffffff", "boot.no-image"),
        ("ESP-ROM:esp32s3-20210327", "boot.chip"),
    ],
)
def test_each_illness_is_one_finding_with_its_line(line: str, code: str) -> None:
    (finding,) = examine(f"{CLEAN}{line}\nnext\n", target="esp32c3").findings

    assert finding.code == code
    assert line.removeprefix("\x1b[0;31m") in (finding.evidence or "")


def test_what_repeats_is_counted_not_repeated() -> None:
    (finding,) = examine("Brownout detector was triggered\nx\n" * 2, target="esp32c3").findings

    assert finding.message.endswith("(2 times)")


def test_the_same_panic_three_times_is_a_boot_loop() -> None:
    assert not examine(CLEAN + PANIC * 2, target="esp32c3").loops

    log = examine(CLEAN + PANIC * 3, target="esp32c3")

    assert log.loops
    assert log.panics == ("Load access fault",) * 3
    (loop,) = log.findings
    assert loop.message == "boot loop: the same panic (Load access fault) 3 times"


def test_three_watchdog_resets_are_a_boot_loop() -> None:
    log = examine("rst:0x7 (TG0WDT_SYS_RST),boot:0xd\n" * 3, target="esp32c3")

    assert [finding.code for finding in log.findings] == ["boot.watchdog-reset", "boot.loop"]


def test_resets_that_were_asked_for_are_no_loop() -> None:
    text = CLEAN * 4 + "rst:0x5 (DSLEEP),boot:0xd\n" * 4 + "rst:0x15 (USB_UART_CHIP_RESET)\n" * 4

    assert examine(text, target="esp32c3").findings == ()


@pytest.mark.slow
@given(st.text())
def test_any_text_is_examined_without_an_error(text: str) -> None:
    examine(text, target="esp32c3")
    examine(f"rst:0x1 ({text})", target="esp32c3")


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["rst:0x1 (", "\0", "ESP-ROM:esp32", "a\n", "*" * 50, "(WDT"])
def test_a_megabyte_of_noise_takes_linear_time(piece: str) -> None:
    started = time.process_time()
    examine(piece * (1_000_000 // len(piece)), target="esp32c3")

    assert time.process_time() - started < 8


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was",
            "the firmware panicked (Load access fault)",
        ),
        ("assert failed: app_main main.c:7 (x == 1)", "the firmware aborted"),
        ("abort() was called at PC 0x42007f5b on core 0", "the firmware aborted"),
        (
            "rst:0xc (RTC_SW_CPU_RST),boot:0xc (SPI_FAST_FLASH_BOOT)",
            "the chip was reset (RTC_SW_CPU_RST)",
        ),
        ("I (31) main: 3 Tests 0 Failures", None),
    ],
)
def test_lines_after_which_nothing_goes_on(line: str, reason: str | None) -> None:
    assert interruption(line) == reason


def lives(reader: BootReader, line: str, times: int, clock: list[float], seconds: float) -> None:
    for _ in range(times):
        clock[0] += seconds
        reader.add(line, suspect=True)


@pytest.mark.parametrize(
    ("seconds", "loop"), [(5, "TG0WDT_SYS_RST"), (PROGRESS_SECONDS + 1, "")], ids=["short", "long"]
)
def test_lives_that_get_somewhere_are_no_loop(seconds: float, loop: str) -> None:
    clock = [0.0]
    reader = BootReader(clock=lambda: clock[0])
    lives(reader, "rst:0x7 (TG0WDT_SYS_RST),boot:0xd", 6, clock, seconds)

    assert reader.loop == loop
    assert reader.watchdogs == 6


def test_restarts_that_somebody_asked_for_are_no_loop() -> None:
    reader = BootReader()
    for _ in range(LOOP_SAME_RESTARTS * 2):
        reader.add("rst:0x3 (RTC_SW_SYS_RST),boot:0xc", suspect=True)
        reader.add("esp> ", suspect=True)
        reader.expect_restart()

    assert not reader.loop


def test_each_is_told_once_and_at_once() -> None:
    told: list[Finding] = []
    reader = BootReader(on_finding=told.append)
    for number in range(1, 9):
        reader.add("rst:0x3 (RTC_SW_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)", suspect=True)
        reader.add("E BOD: Brownout detector was triggered", suspect=True)
        assert [each.code for each in told] == ["boot.brownout", "boot.loop"][
            : 1 + (number >= LOOP_CYCLES)
        ]

    assert [each.message for each in told] == [
        "brownout: the supply voltage fell too low",
        "boot loop: brownout: the supply voltage fell too low; 3 times",
    ]
    assert [each.message for each in reader.log().findings] == [
        "brownout: the supply voltage fell too low (8 times)",
        "boot loop: brownout: the supply voltage fell too low; 8 times",
    ]


def test_what_the_rom_says_first_is_why_and_the_rest_follows_from_it() -> None:
    text = (
        "rst:0x10 (RTCWDT_RTC_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\n"
        "flash read err, 1000\nets_main.c 371 \n"
    )

    (finding,) = examine(text * 2, target="esp32").findings

    assert finding.code == "boot.flash-read"
    assert "GPIO12" in (finding.hint or "")


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"{sign.code}-{sign.pattern.pattern[:20]}")
def test_patterns_are_read_alike_by_both_engines(sign: Sign) -> None:
    re2.compile(sign.pattern.pattern)
    assert not set(re.findall(r"\(\?[^:i]", sign.pattern.pattern))
