#include "freertos/FreeRTOS.h"
#include "lamp.h"

void app_main(void)
{
    lamp_init();
    while (1) {
        lamp_poll();
    }
}
