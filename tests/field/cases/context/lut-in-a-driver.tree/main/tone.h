#pragma once
#include "esp_err.h"

/** Start the tone. */
esp_err_t tone_init(void);

/** Ask the tone once. */
esp_err_t tone_poll(void);
