#pragma once
#include "esp_err.h"

/** Start the hygrometer. */
esp_err_t hygrometer_init(void);

/** Ask the hygrometer once. */
esp_err_t hygrometer_poll(void);
