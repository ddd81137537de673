#include "hygrometer.h"

static int s_reads;

esp_err_t hygrometer_init(void)
{
    s_reads = 0;
    return ESP_OK;
}

esp_err_t hygrometer_poll(void)
{
    s_reads++;
    return s_reads > 1000 ? ESP_FAIL : ESP_OK;
}
