#include "freertos/FreeRTOS.h"
#include "hygrometer.h"

void app_main(void)
{
    hygrometer_init();
    while (1) {
        hygrometer_poll();
    }
}
