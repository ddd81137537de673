#include "freertos/FreeRTOS.h"
#include "clock.h"

void app_main(void)
{
    clock_init();
    while (1) {
        clock_poll();
    }
}
