#pragma once
#include "esp_err.h"

/** Start the adc. */
esp_err_t adc_init(void);

/** Ask the adc once. */
esp_err_t adc_poll(void);
