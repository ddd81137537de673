#pragma once
#include "esp_err.h"

/** Start the valve. */
esp_err_t valve_init(void);

/** Ask the valve once. */
esp_err_t valve_poll(void);
