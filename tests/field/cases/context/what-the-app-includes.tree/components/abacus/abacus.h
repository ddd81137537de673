#pragma once
#include "esp_err.h"

/** Start the abacus. */
esp_err_t abacus_init(void);

/** Ask the abacus once. */
esp_err_t abacus_poll(void);
