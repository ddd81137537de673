/* Reads a sensor whose driver is closed: the third reading is stored through the marker that
 * stands for "no driver", where there is no memory, and the CPU takes a store access fault. */
#include "console.h"

struct driver {
    uint32_t reserved[4];
    uint32_t last_reading;
};

struct sensor {
    const char *name;
    struct driver *driver;
};

#define DRIVER_CLOSED ((struct driver *)0xDEAD0000u)

static struct sensor sensors[] = {{"humidity", DRIVER_CLOSED}};

__attribute__((noinline)) static void write_reading(struct sensor *sensor, uint32_t value) {
    volatile struct driver *driver = sensor->driver;
    driver->last_reading = value;
}

__attribute__((noinline)) static uint32_t update_sensor(struct sensor *sensor, uint32_t count) {
    LOGI("sensor", "%s: reading %u", sensor->name, (unsigned)count);
    if (count == 3u) {
        console_flush();
        write_reading(sensor, 40u + count);
    }
    return count;
}

int main(void) {
    uint32_t total = 0;
    for (uint32_t count = 1; count <= 3u; count++) {
        while (clock_ms() < count * 7u) {
        }
        total += update_sensor(&sensors[0], count);
    }
    LOGI("sensor", "3 readings, %u in all", (unsigned)total);
    for (;;) {
        __asm__ volatile("wfi");
    }
}
