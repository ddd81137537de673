#pragma once
#include "esp_err.h"

/** Start the anemometer. */
esp_err_t anemometer_init(void);

/** Ask the anemometer once. */
esp_err_t anemometer_poll(void);
