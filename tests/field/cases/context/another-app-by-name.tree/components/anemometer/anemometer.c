#include "anemometer.h"

static int s_reads;

esp_err_t anemometer_init(void)
{
    s_reads = 0;
    return ESP_OK;
}

esp_err_t anemometer_poll(void)
{
    s_reads++;
    return s_reads > 1000 ? ESP_FAIL : ESP_OK;
}
