"""Firmware that fails, each with the lines that must change for it to pass: real projects, small.

None of the failures names the line that must change: most do not even name its file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(fw C ASM)

include(runtime/runtime.cmake)
espdeck_firmware(fw {sources})
target_include_directories(fw PRIVATE main)
"""

_HEADER = "#pragma once\n#include <stdint.h>\n\n{};\n"


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines of a file that must be seen to be changed, and what takes their place."""

    file: str
    search: str
    replace: str


@dataclass(frozen=True, slots=True)
class RepairCase:
    """A project that fails, and what mends it.

    Args:
        name: of the project.
        fails: the stage that fails first.
        says: what a finding says of it.
        files: its own sources by path, beside the runtime.
        edits: what mends it.
    """

    name: str
    fails: str
    says: str
    files: dict[str, str] = field(repr=False)
    edits: tuple[Edit, ...] = field(repr=False)


def _project(main: str, expect: str, files: dict[str, str], *, more: str = "") -> dict[str, str]:
    """A project of a main.c, others beside it, and what is expected of it."""
    sources = ["main/main.c", *sorted(name for name in files if name.endswith(".c"))]
    return {
        "CMakeLists.txt": CMAKE.format(sources=" ".join(sources)),
        "espdeck.toml": f'expect = ["{expect}"]\ntimeout = 0.5\nbaud = 921600\n{more}',
        "main/main.c": main,
        **files,
    }


def _main(includes: str, body: str) -> str:
    return (
        f'#include "console.h"\n{includes}\nint main(void) {{\n{body}'
        '    for (;;) {\n        __asm__ volatile("wfi");\n    }\n}\n'
    )


_READING_H = """\
#pragma once
#include <stdint.h>

/* What a sensor measured. */
struct reading {
    uint32_t raw;
    uint32_t taken_ms;
};

void reading_take(struct reading *reading, uint32_t raw);
void reading_report(const struct reading *reading);
"""

MISSING_MEMBER = RepairCase(
    "missing-member",
    fails="build",
    says="no member named 'channel'",
    files=_project(
        _main(
            '#include "reading.h"\n',
            "    struct reading reading;\n    reading_take(&reading, 17u);\n"
            "    reading_report(&reading);\n",
        ),
        "channel 3: 17",
        {
            "main/reading.h": _READING_H,
            "main/take.c": """\
#include "console.h"
#include "reading.h"

void reading_take(struct reading *reading, uint32_t raw) {
    reading->raw = raw;
    reading->taken_ms = clock_ms();
    reading->channel = 3u;
}
""",
            "main/report.c": """\
#include "console.h"
#include "reading.h"

void reading_report(const struct reading *reading) {
    LOGI("report", "channel %u: %u", (unsigned)reading->channel, (unsigned)reading->raw);
}
""",
        },
    ),
    edits=(
        Edit(
            "main/reading.h",
            "    uint32_t taken_ms;\n",
            "    uint32_t taken_ms;\n    uint32_t channel;\n",
        ),
    ),
)

_UNDEFINED_FILES = _project(
    _main('#include "filter.h"\n', '    LOGI("main", "filtered %d", (int)filter_step(40));\n'),
    "filtered 10",
    {
        "main/filter.h": _HEADER.format("int32_t filter_step(int32_t value)"),
        "main/filter.c": """\
#include "filter.h"

static int32_t state;

int32_t filter_step(int32_t value) {
    state += (value - state) / 4;
    return state;
}
""",
    },
)

UNDEFINED_SYMBOL = RepairCase(
    "undefined-symbol",
    fails="build",
    says="undefined symbol: filter_step",
    files={
        **_UNDEFINED_FILES,
        "CMakeLists.txt": CMAKE.format(sources="main/main.c"),
    },
    edits=(
        Edit(
            "CMakeLists.txt",
            "espdeck_firmware(fw main/main.c)\n",
            "espdeck_firmware(fw main/main.c main/filter.c)\n",
        ),
    ),
)

PANIC_ELSEWHERE = RepairCase(
    "panic-elsewhere",
    fails="test.simulator",
    says="Store access fault",
    files=_project(
        _main('#include "log_buffer.h"\n', "    fill_log();\n"),
        "log has 4 entries",
        {
            "main/log_buffer.h": """\
#pragma once
#include "entry_pool.h"

void fill_log(void);
""",
            "main/log_buffer.c": """\
#include "console.h"
#include "log_buffer.h"

#define ENTRIES 4u

__attribute__((noinline)) static void store(struct entry *entry, uint32_t number) {
    entry->number = number;
}

void fill_log(void) {
    for (uint32_t number = 0; number < ENTRIES; number++) {
        console_flush();
        store(entry_take(), number);
    }
    LOGI("log", "log has %u entries", (unsigned)ENTRIES);
}
""",
            "main/entry_pool.h": """\
#pragma once
#include <stdint.h>

#define NO_ENTRY ((struct entry *)0xDEAD0000u)

struct entry {
    volatile uint32_t number;
};

/* The next entry that nobody has, NO_ENTRY when all are taken. */
struct entry *entry_take(void);
""",
            "main/entry_pool.c": """\
#include "entry_pool.h"

#define POOL_SIZE 3u

static struct entry pool[POOL_SIZE];
static uint32_t taken;

struct entry *entry_take(void) {
    return taken < POOL_SIZE ? &pool[taken++] : NO_ENTRY;
}
""",
        },
    ),
    edits=(Edit("main/entry_pool.c", "#define POOL_SIZE 3u\n", "#define POOL_SIZE 4u\n"),),
)

_UNITY_MAIN = _main("int run_tests(void);\n", '    LOGI("main", "ready");\n    run_tests();\n')

UNITY_FUNCTION = RepairCase(
    "unity-function",
    fails="test.simulator",
    says="test_scale_of_a_half",
    files=_project(
        _UNITY_MAIN,
        "ready",
        {
            "main/scale.h": _HEADER.format("int32_t scaled(int32_t raw)"),
            "main/scale.c": """\
#include "scale.h"

/* Raw readings have eight bits of fraction; the nearest whole number is meant. */
int32_t scaled(int32_t raw) {
    return raw / 256;
}
""",
            "test/test_scale.c": """\
#include "scale.h"
#include "unity.h"

static volatile int32_t half = 128;

static void test_scale_of_a_half(void) {
    TEST_ASSERT_EQUAL(1, scaled(half));
}

static void test_scale_of_nothing(void) {
    TEST_ASSERT_EQUAL(0, scaled(half - 128));
}

int run_tests(void) {
    UNITY_BEGIN();
    RUN_TEST(test_scale_of_a_half);
    RUN_TEST(test_scale_of_nothing);
    return UNITY_END();
}
""",
        },
        more="unity = true\n",
    ),
    edits=(Edit("main/scale.c", "    return raw / 256;\n", "    return (raw + 128) / 256;\n"),),
)

UNITY_CONSTANT = RepairCase(
    "unity-constant",
    fails="test.simulator",
    says="test_checksum_of_a_frame",
    files=_project(
        _UNITY_MAIN,
        "ready",
        {
            "main/frame.h": """\
#pragma once
#include <stdint.h>

#include "polynomial.h"

uint32_t frame_checksum(const uint8_t *data, uint32_t length);
""",
            "main/frame.c": """\
#include "frame.h"

uint32_t frame_checksum(const uint8_t *data, uint32_t length) {
    uint32_t sum = 0;
    for (uint32_t at = 0; at < length; at++) {
        sum ^= data[at];
        for (uint32_t bit = 0; bit < 8u; bit++) {
            sum = (sum & 0x80u ? (sum << 1) ^ FRAME_POLYNOMIAL : sum << 1) & 0xFFu;
        }
    }
    return sum;
}
""",
            "main/polynomial.h": """\
#pragma once

/* CRC-8 of SMBus: x^8 + x^2 + x + 1 */
#define FRAME_POLYNOMIAL 0x31u
""",
            "test/test_frame.c": """\
#include "frame.h"
#include "unity.h"

static void test_checksum_of_a_frame(void) {
    static const uint8_t frame[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
    TEST_ASSERT_EQUAL(0xF4, frame_checksum(frame, sizeof(frame)));
}

int run_tests(void) {
    UNITY_BEGIN();
    RUN_TEST(test_checksum_of_a_frame);
    return UNITY_END();
}
""",
        },
        more="unity = true\n",
    ),
    edits=(
        Edit(
            "main/polynomial.h",
            "#define FRAME_POLYNOMIAL 0x31u\n",
            "#define FRAME_POLYNOMIAL 0x07u\n",
        ),
    ),
)

_SHELL_C = """\
#include "commands.h"
#include "console.h"
#include "shell.h"

static char line[32];

void shell_run(void) {
    for (;;) {
        uint32_t length = 0;
        console_print("> ");
        for (;;) {
            const int c = console_receive();
            if (c == '\\r' || c == '\\n') {
                break;
            }
            if (c >= ' ' && length < sizeof(line) - 1u) {
                line[length++] = (char)c;
            }
        }
        line[length] = '\\0';
        run_command(line);
    }
}
"""

_SHELL = {
    "main/shell.h": "#pragma once\n\nvoid shell_run(void);\n",
    "main/shell.c": _SHELL_C,
    "main/commands.h": "#pragma once\n\nvoid run_command(const char *line);\n",
}

_SHELL_MAIN = _main(
    '#include "shell.h"\n', '    LOGI("main", "console ready");\n    shell_run();\n'
)


def _console(test: str, files: dict[str, str]) -> dict[str, str]:
    return _project(_SHELL_MAIN, "console ready", {**_SHELL, **files}, more=f"\n[[test]]\n{test}")


SCRIPT_FAILS = RepairCase(
    "script-fails",
    fails="test.simulator",
    says="tells its battery",
    files=_console(
        'name = "tells its battery"\nsend = "b"\nexpect = "^battery: [0-9]+ mV$"\nwithin = 0.2\n',
        {
            "main/commands.c": """\
#include "commands.h"
#include "console.h"
#include "power.h"

void run_command(const char *line) {
    if (line[0] == 'b') {
        power_report();
    } else {
        console_print("unknown command: %s\\n", line);
    }
}
""",
            "main/power.h": "#pragma once\n\nvoid power_report(void);\n",
            "main/power.c": """\
#include "console.h"
#include "power.h"

void power_report(void) {
    console_print("battery: %u\\n", 3700u);
}
""",
        },
    ),
    edits=(
        Edit(
            "main/power.c",
            '    console_print("battery: %u\\n", 3700u);\n',
            '    console_print("battery: %u mV\\n", 3700u);\n',
        ),
    ),
)

SCRIPT_PANICS = RepairCase(
    "script-panics",
    fails="test.simulator",
    says="Store access fault",
    files=_console(
        'name = "resets its statistics"\nsend = "r"\nexpect = "statistics reset"\nwithin = 0.2\n',
        {
            "main/commands.c": """\
#include "commands.h"
#include "console.h"
#include "statistics.h"

void run_command(const char *line) {
    if (line[0] == 'r') {
        statistics_reset();
        console_print("statistics reset\\n");
    }
}
""",
            "main/statistics.h": """\
#pragma once
#include <stdint.h>

/* Where the counters lie. */
volatile uint32_t *statistics_memory(void);
void statistics_reset(void);
""",
            "main/statistics.c": """\
#include "console.h"
#include "statistics.h"

__attribute__((noinline)) static void clear(volatile uint32_t *counters) {
    counters[0] = 0;
}

void statistics_reset(void) {
    console_flush();
    clear(statistics_memory());
}
""",
            "main/memory_map.c": """\
#include "statistics.h"

volatile uint32_t *statistics_memory(void) {
    return (volatile uint32_t *)0xDEAD0000u;
}
""",
        },
    ),
    edits=(
        Edit(
            "main/memory_map.c",
            "    return (volatile uint32_t *)0xDEAD0000u;\n",
            "    static uint32_t counters[1];\n    return counters;\n",
        ),
    ),
)

NEVER_PRINTED = RepairCase(
    "never-printed",
    fails="test.simulator",
    says="never printed: radio ready on channel",
    files=_project(
        _main('#include "board.h"\n', '    LOGI("main", "starting");\n    board_start();\n'),
        "radio ready on channel [0-9]+",
        {
            "main/board.h": "#pragma once\n\nvoid board_start(void);\n",
            "main/board.c": """\
#include "board.h"
#include "radio.h"

#define RADIO_CHANNEL 0u

void board_start(void) {
    radio_start(RADIO_CHANNEL);
}
""",
            "main/radio.h": _HEADER.format("void radio_start(uint32_t channel)"),
            "main/radio.c": """\
#include "console.h"
#include "radio.h"

void radio_start(uint32_t channel) {
    if (channel == 0u) {
        return;
    }
    LOGI("radio", "radio ready on channel %u", (unsigned)channel);
}
""",
        },
    ),
    edits=(Edit("main/board.c", "#define RADIO_CHANNEL 0u\n", "#define RADIO_CHANNEL 6u\n"),),
)

TOO_MANY_ARGUMENTS = RepairCase(
    "too-many-arguments",
    fails="build",
    says="too many arguments",
    files=_project(
        _main('#include "led.h"\n', "    led_set(1u, 80u);\n"),
        "led 1 at 80",
        {
            "main/led.h": _HEADER.format("void led_set(uint32_t led)"),
            "main/led.c": """\
#include "console.h"
#include "led.h"

void led_set(uint32_t led) {
    LOGI("led", "led %u at %u", (unsigned)led, 100u);
}
""",
        },
    ),
    edits=(
        Edit(
            "main/led.h",
            "void led_set(uint32_t led);\n",
            "void led_set(uint32_t led, uint32_t percent);\n",
        ),
        Edit(
            "main/led.c",
            'void led_set(uint32_t led) {\n    LOGI("led", "led %u at %u", (unsigned)led, 100u);\n',
            "void led_set(uint32_t led, uint32_t percent) {\n"
            '    LOGI("led", "led %u at %u", (unsigned)led, (unsigned)percent);\n',
        ),
    ),
)

CASES = (
    MISSING_MEMBER,
    UNDEFINED_SYMBOL,
    PANIC_ELSEWHERE,
    UNITY_FUNCTION,
    UNITY_CONSTANT,
    SCRIPT_FAILS,
    SCRIPT_PANICS,
    NEVER_PRINTED,
    TOO_MANY_ARGUMENTS,
)


def unrelated_files(count: int = 30) -> dict[str, str]:
    """Sources that have nothing to do with it, far more than a question has room for."""
    files: dict[str, str] = {}
    for number in range(count):
        name = f"sensor_{number:02}"
        functions = "".join(
            f"""
/* Reads register {register} of sensor {number}. */
uint32_t {name}_read_{register}(const struct {name} *sensor) {{
    uint32_t value = sensor->base + {register}u;
    value ^= value >> {1 + register % 7};
    return value * {2 * number + 1}u;
}}
"""
            for register in range(20)
        )
        files[f"drivers/{name}.h"] = (
            f"#pragma once\n#include <stdint.h>\n\nstruct {name} {{\n    uint32_t base;\n}};\n\n"
            + "".join(
                f"uint32_t {name}_read_{register}(const struct {name} *sensor);\n"
                for register in range(20)
            )
        )
        files[f"drivers/{name}.c"] = f'#include "{name}.h"\n{functions}'
    return files
