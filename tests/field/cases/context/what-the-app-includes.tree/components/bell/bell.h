#pragma once
#include "esp_err.h"

/** Start the bell. */
esp_err_t bell_init(void);

/** Ask the bell once. */
esp_err_t bell_poll(void);
