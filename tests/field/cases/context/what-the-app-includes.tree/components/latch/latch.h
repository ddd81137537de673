#pragma once
#include "esp_err.h"

/** Start the latch. */
esp_err_t latch_init(void);

/** Ask the latch once. */
esp_err_t latch_poll(void);
