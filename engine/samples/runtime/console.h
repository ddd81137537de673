/* The console: UART0, and log lines in the format of ESP-IDF. */
#pragma once

#include <stdint.h>

/* 921600 and not 115200 baud: a simulated UART takes its time as well, and a boot log is eight
 * times sooner there. espdeck.toml says the same. */
#define CONSOLE_BAUD 921600u

void console_open(void);
void console_char(char c); /* a newline becomes CR LF, as on ESP-IDF's console */
void console_flush(void);  /* returns when the last bit has left */
int console_receive(void);  /* the next byte that came in, -1 when there is none */

/* %s, %c, %d, %u, %x and %08x are all it knows. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define LOG(letter, tag, format, ...) \
    console_print(letter " (%u) %s: " format "\n", (unsigned)clock_ms(), tag, ##__VA_ARGS__)
#define LOGI(tag, ...) LOG("I", tag, __VA_ARGS__)
#define LOGW(tag, ...) LOG("W", tag, __VA_ARGS__)
#define LOGE(tag, ...) LOG("E", tag, __VA_ARGS__)

uint32_t clock_ms(void); /* milliseconds since the clock was started */
