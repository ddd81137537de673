#include "freertos/FreeRTOS.h"
#include "valve.h"

void app_main(void)
{
    valve_init();
    while (1) {
        valve_poll();
    }
}
