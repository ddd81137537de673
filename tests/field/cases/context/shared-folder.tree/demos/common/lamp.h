#pragma once
#include "esp_err.h"

/** Start the lamp. */
esp_err_t lamp_init(void);

/** Ask the lamp once. */
esp_err_t lamp_poll(void);
