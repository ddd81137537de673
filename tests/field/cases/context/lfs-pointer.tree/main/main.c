#include "radio.h"

void app_main(void)
{
    radio_start();
}
