#pragma once
#include "esp_err.h"

/** Start the pump. */
esp_err_t pump_init(void);

/** Ask the pump once. */
esp_err_t pump_poll(void);
