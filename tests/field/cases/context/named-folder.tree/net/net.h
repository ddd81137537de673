#pragma once
#include "esp_err.h"

/** Start the net. */
esp_err_t net_init(void);

/** Ask the net once. */
esp_err_t net_poll(void);
