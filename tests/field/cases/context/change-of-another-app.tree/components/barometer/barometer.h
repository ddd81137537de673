#pragma once
#include "esp_err.h"

/** Start the barometer. */
esp_err_t barometer_init(void);

/** Ask the barometer once. */
esp_err_t barometer_poll(void);
