#pragma once
#include "esp_err.h"

/** Start the portal. */
esp_err_t portal_init(void);

/** Ask the portal once. */
esp_err_t portal_poll(void);
