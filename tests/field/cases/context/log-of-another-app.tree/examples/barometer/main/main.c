#include "freertos/FreeRTOS.h"
#include "barometer.h"

void app_main(void)
{
    barometer_init();
    while (1) {
        barometer_poll();
    }
}
