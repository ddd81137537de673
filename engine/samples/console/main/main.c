/* Answers commands on its console. Try them in the monitor; espdeck.toml tests them. */
#include "console.h"

static char line[64];
static uint32_t led;

static int same(const char *one, const char *other) {
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

/* Reads a line of at most 63 characters and shows what was typed, as terminals expect it. */
static void read_line(void) {
    uint32_t length = 0;
    for (;;) {
        const int c = console_receive();
        if (c == '\r' || c == '\n') {
            break;
        }
        if (c >= ' ' && length < sizeof(line) - 1u) {
            line[length++] = (char)c;
            console_char((char)c);
        }
    }
    line[length] = '\0';
    console_char('\n');
}

static void run_command(void) {
    if (same(line, "help")) {
        console_print("commands: help, led on, led off, led, uptime, crash\n");
    } else if (same(line, "led on") || same(line, "led off")) {
        led = same(line, "led on");
        LOGI("led", "switched");
    } else if (same(line, "led")) {
        console_print("the led is %s\n", led ? "on" : "off");
    } else if (same(line, "uptime")) {
        console_print("up for %u ms\n", (unsigned)clock_ms());
    } else if (same(line, "crash")) {
        console_flush();
        *(volatile uint32_t *)0xDEAD0000u = led; /* where there is no memory */
    } else if (line[0] != '\0') {
        console_print("unknown command: %s\n", line);
    }
}

int main(void) {
    LOGI("main", "console ready, try help");
    for (;;) {
        console_print("> ");
        read_line();
        run_command();
    }
}
