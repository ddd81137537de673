#pragma once
#include "esp_err.h"

/** Start the uplink. */
esp_err_t uplink_init(void);

/** Ask the uplink once. */
esp_err_t uplink_poll(void);
