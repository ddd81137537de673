/* From the reset vector to main: watchdogs, clock, console, boot lines. */
#include "chip.h"
#include "console.h"

int main(void);
void runtime_start(void);

static int has_systimer;
static uint64_t started;

/* TRM, "Watchdog Timers (WDT)": three of them run after a boot from flash, each behind a key. */
static void stop_watchdogs(void) {
    TIMG0_WDTWPROTECT = WDT_KEY;
    TIMG0_WDTCONFIG0 = 0;
    TIMG0_WDTWPROTECT = 0;
    RTC_CNTL_WDTWPROTECT = WDT_KEY;
    RTC_CNTL_WDTCONFIG0 = 0;
    RTC_CNTL_WDTWPROTECT = 0;
    RTC_CNTL_SWD_WPROTECT = SWD_KEY;
    RTC_CNTL_SWD_CONF |= 1u << 31;
    RTC_CNTL_SWD_WPROTECT = 0;
}

/* TRM, "System Timer (SYSTIMER)", "Read System Timer Value" */
static int systimer_latch(void) {
    SYSTIMER_UNIT0_OP = 1u << 30;
    for (int tries = 0; tries < 100; tries++) {
        if ((SYSTIMER_UNIT0_OP & (1u << 29)) != 0u) {
            return 1;
        }
    }
    return 0;
}

static uint64_t ticks(void) {
    if (has_systimer) {
        systimer_latch();
        return ((uint64_t)SYSTIMER_UNIT0_VALUE_HI << 32) | SYSTIMER_UNIT0_VALUE_LO;
    }
    TIMG0_T0UPDATE = 1;
    return ((uint64_t)TIMG0_T0HI << 32) | TIMG0_T0LO;
}

/* A chip has its system timer. LabWired 0.25 keeps that timer's registers only; its timer group
 * counts CPU cycles, 160 a microsecond, whatever the divider says. */
static void start_clock(void) {
    has_systimer = systimer_latch();
    if (!has_systimer) {
        TIMG0_T0CONFIG = (1u << 31) | (1u << 30) | (2u << 13);
    }
    started = ticks();
}

uint32_t clock_ms(void) {
    const uint32_t in_128_ticks = (uint32_t)((ticks() - started) >> 7);
    return in_128_ticks / (has_systimer ? 125u : 1250u); /* of 16,000 or 160,000 a millisecond */
}

static const char *reset_reason(uint32_t cause) {
    switch (cause) {
        case 0x01: return "POWERON";
        case 0x03: return "SW_SYS_RESET";
        case 0x05: return "DEEPSLEEP_RESET";
        case 0x07: return "TG0WDT_SYS_RST";
        case 0x08: return "TG1WDT_SYS_RST";
        case 0x09: return "RTCWDT_SYS_RST";
        case 0x0C: return "SW_CPU_RESET";
        case 0x0F: return "RTCWDT_BROWN_OUT_RESET";
        case 0x10: return "RTCWDT_RTC_RESET";
        case 0x15: return "USB_UART_CHIP_RESET";
        default: return "UNKNOWN";
    }
}

void runtime_start(void) {
    stop_watchdogs();
    start_clock();
    console_open();
    const uint32_t cause = RTC_CNTL_RESET_STATE & 0x3Fu;
    LOGI("boot", "rst:0x%x (%s)", cause, reset_reason(cause));
    LOGI("boot", "ESP32-C3, console at %u baud", CONSOLE_BAUD);
    main();
}
