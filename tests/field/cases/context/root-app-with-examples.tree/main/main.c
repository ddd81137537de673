#include "freertos/FreeRTOS.h"
#include "pump.h"

void app_main(void)
{
    pump_init();
    while (1) {
        pump_poll();
    }
}
