#include "console.h"

#include <stdarg.h>

#include "chip.h"

void console_open(void) {
    /* TRM, "UART Controller", "Baud Rate Generation": divider in sixteenths, from 40 MHz XTAL. */
    const uint32_t sixteenths = (40000000u * 16u + CONSOLE_BAUD / 2u) / CONSOLE_BAUD;
    console_flush();
    UART0_CLK_CONF = UART_CLK_XTAL;
    UART0_CLKDIV = (sixteenths >> 4) | ((sixteenths & 15u) << 20);
}

static uint32_t waiting(void) {
    return (UART0_STATUS >> 16) & 0x3FFu;
}

static void send(char c) {
    while (waiting() >= UART_FIFO_SIZE - 2u) {
    }
    UART0_FIFO = (uint8_t)c;
}

void console_char(char c) {
    if (c == '\n') {
        send('\r');
    }
    send(c);
}

void console_flush(void) {
    while (waiting() != 0u || ((UART0_FSM_STATUS >> 4) & 15u) != 0u) {
    }
}

int console_receive(void) {
    return (UART0_STATUS & 0x3FFu) != 0u ? (int)(UART0_FIFO & 0xFFu) : -1;
}

static void print_text(const char *text) {
    while (*text != '\0') {
        console_char(*text++);
    }
}

static void print_number(uint32_t value, uint32_t base, uint32_t width) {
    char digits[10];
    uint32_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0u);
    while (width > count) {
        console_char('0');
        width--;
    }
    while (count > 0u) {
        console_char(digits[--count]);
    }
}

void console_print(const char *format, ...) {
    va_list list;
    va_start(list, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            console_char(*format);
            continue;
        }
        uint32_t width = 0;
        while (*++format >= '0' && *format <= '9') {
            width = width * 10u + (uint32_t)(*format - '0');
        }
        if (*format == 's') {
            print_text(va_arg(list, const char *));
        } else if (*format == 'c') {
            console_char((char)va_arg(list, int));
        } else if (*format == 'x') {
            print_number(va_arg(list, uint32_t), 16, width);
        } else if (*format == 'u') {
            print_number(va_arg(list, uint32_t), 10, width);
        } else if (*format == 'd') {
            const int32_t value = va_arg(list, int32_t);
            if (value < 0) {
                console_char('-');
            }
            print_number(value < 0 ? 0u - (uint32_t)value : (uint32_t)value, 10, width);
        } else {
            console_char(*format);
        }
    }
    va_end(list);
}
