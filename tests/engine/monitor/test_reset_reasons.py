"""Reset reasons, as ESP-IDF and the ROMs of all chips name them."""

from __future__ import annotations

import pytest

from engine.monitor.reset_reasons import Cause, read

NAMES = {
    Cause.POWER: "1 POWERON_RESET, 1 POWERON",
    Cause.SOFTWARE: (
        "3 SW_RESET, 3 RTC_SW_SYS_RESET, 3 RTC_SW_SYS_RST, 3 LP_SW_HPSYS, 3 RTC_SW_HPSYS,"
        "3 SW_SYS_RESET, c SW_CPU_RESET, c RTC_SW_CPU_RESET, c RTC_SW_CPU_RST, c LP_SW_CPU"
    ),
    Cause.SLEEP: (
        "5 DEEPSLEEP_RESET, 5 DSLEEP, 5 SLEEP_WAKEUP, 5 PMU_SYS_PWR_DOWN_RESET,"
        "6 PMU_CPU_PWR_DOWN_RESET"
    ),
    Cause.WATCHDOG: (
        "4 OWDT_RESET, 7 TG0WDT_SYS_RESET, 7 TG0WDT_SYS_RST, 8 TG1WDT_SYS_RESET,"
        "9 RTCWDT_SYS_RESET, b TGWDT_CPU_RESET, b TG0WDT_CPU_RST, d RTCWDT_CPU_RESET,"
        "10 RTCWDT_RTC_RESET, 11 TG1WDT_CPU_RESET, 12 SUPER_WDT_RESET, 7 HP_SYS_HP_WDT_RESET,"
        "9 HP_SYS_LP_WDT_RESET, b HP_CORE_HP_WDT_RESET, d HP_CORE_LP_WDT_RESET,"
        "10 CHIP_LP_WDT_RESET, 10 LP_WDT_SYS, 8 HP_SYS_HP_WDT1_RESET"
    ),
    Cause.BROWNOUT: "f RTCWDT_BROWN_OUT_RESET, f BROWN_OUT_RESET, f BROWNOUT_RST, f BROWN_OUT_RST",
    Cause.DEBUGGER: (
        "15 USB_UART_CHIP_RESET, 15 USB_UART_HPSYS, 16 USB_JTAG_CHIP_RESET, 18 JTAG_RESET,"
        "18 JTAG_CPU_RESET, 16 CHIP_USB_JTAG_RESET, 17 CHIP_USB_UART_RESET"
    ),
    Cause.GLITCH: "13 GLITCH_RTC_RESET, 17 POWER_GLITCH_RESET, 19 RTC_PWR_GLITCH_RESET",
    Cause.LOCKUP: "1a CPU_LOCKUP_RESET",
    Cause.EFUSE: "14 EFUSE_RESET, 14 EFUSE_CRC_ERR_RESET",
    Cause.EXTERNAL: "6 SDIO_RESET, e EXT_CPU_RESET",
}
RESETS = [(*each.split(), cause) for cause, names in NAMES.items() for each in names.split(",")]


@pytest.mark.parametrize(("number", "name", "cause"), RESETS)
def test_every_name_has_its_cause_and_so_has_its_number(
    number: str, name: str, cause: Cause
) -> None:
    found = read(f"rst:0x{number} ({name}),boot:0x8 (SPI_FAST_FLASH_BOOT)")
    assert found is not None
    assert (found.name, found.cause) == (name, cause)


@pytest.mark.parametrize(
    ("number", "cause"),
    [("5", Cause.SLEEP), ("c", Cause.SOFTWARE), ("1a", Cause.LOCKUP), ("63", Cause.UNKNOWN)],
)
def test_a_name_that_nobody_knows_is_read_by_its_number(number: str, cause: Cause) -> None:
    found = read(f"rst:0x{number} (OF_TOMORROW),boot:0x8")
    assert found is not None
    assert found.cause is cause


def test_other_lines_are_no_resets() -> None:
    assert read("I (3) app: first rst: done") is None
    assert read("ets Jan  8 2013,rst cause:9, boot mode:(3,7)") is None
