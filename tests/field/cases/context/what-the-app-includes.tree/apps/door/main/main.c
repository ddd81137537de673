#include "freertos/FreeRTOS.h"
#include "latch.h"

void app_main(void)
{
    latch_init();
    while (1) {
        latch_poll();
    }
}
