#pragma once
#include "esp_err.h"

/** Start the panel. */
esp_err_t panel_init(void);

/** Ask the panel once. */
esp_err_t panel_poll(void);
