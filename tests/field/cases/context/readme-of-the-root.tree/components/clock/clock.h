#pragma once
#include "esp_err.h"

/** Start the clock. */
esp_err_t clock_init(void);

/** Ask the clock once. */
esp_err_t clock_poll(void);
