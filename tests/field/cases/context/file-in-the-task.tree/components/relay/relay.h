#pragma once
#include "esp_err.h"

/** Start the relay. */
esp_err_t relay_init(void);

/** Ask the relay once. */
esp_err_t relay_poll(void);
