/* Registers of the ESP32-C3 that the runtime uses.
 *
 * Source: ESP32-C3 Technical Reference Manual. Base addresses: chapter "System and Memory", table
 * "Module/Peripheral Address Mapping"; offsets and fields: the chapter named at each block.
 */
#pragma once

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

/* Chapter "UART Controller" */
#define UART0_FIFO REG(0x60000000u)
#define UART0_CLKDIV REG(0x60000014u) /* CLKDIV [11:0], CLKDIV_FRAG [23:20] in sixteenths */
#define UART0_STATUS REG(0x6000001Cu) /* RXFIFO_CNT [9:0], TXFIFO_CNT [25:16] */
#define UART0_FSM_STATUS REG(0x6000006Cu) /* ST_UTX_OUT [7:4], 0 is idle */
#define UART0_CLK_CONF REG(0x60000078u)
#define UART_CLK_XTAL ((3u << 20) | (1u << 22) | (1u << 24) | (1u << 25)) /* SCLK_SEL, enables */
#define UART_FIFO_SIZE 128u

/* Chapter "System Timer (SYSTIMER)": 16 ticks a microsecond, always */
#define SYSTIMER_UNIT0_OP REG(0x60023004u) /* UPDATE 30, VALUE_VALID 29 */
#define SYSTIMER_UNIT0_VALUE_HI REG(0x60023040u)
#define SYSTIMER_UNIT0_VALUE_LO REG(0x60023044u)

/* Chapter "Timer Group (TIMG)" */
#define TIMG0_T0CONFIG REG(0x6001F000u) /* EN 31, INCREASE 30, DIVIDER [28:13] */
#define TIMG0_T0LO REG(0x6001F004u)
#define TIMG0_T0HI REG(0x6001F008u)
#define TIMG0_T0UPDATE REG(0x6001F00Cu)

/* Chapter "Watchdog Timers (WDT)": what the ROM leaves running after a boot from flash */
#define TIMG0_WDTCONFIG0 REG(0x6001F048u)
#define TIMG0_WDTWPROTECT REG(0x6001F064u)
#define RTC_CNTL_WDTCONFIG0 REG(0x60008090u)
#define RTC_CNTL_WDTWPROTECT REG(0x600080A8u)
#define RTC_CNTL_SWD_CONF REG(0x600080ACu) /* SWD_AUTO_FEED_EN 31 */
#define RTC_CNTL_SWD_WPROTECT REG(0x600080B0u)
#define WDT_KEY 0x50D83AA1u
#define SWD_KEY 0x8F1D312Au

/* Chapter "Reset and Clock", table "Reset Sources" */
#define RTC_CNTL_RESET_STATE REG(0x60008038u) /* RESET_CAUSE_PROCPU [5:0] */
