#include "freertos/FreeRTOS.h"
#include "fan.h"

void app_main(void)
{
    fan_init();
    while (1) {
        fan_poll();
    }
}
