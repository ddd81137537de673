#pragma once
// plain_comment() is not for Doxygen

/**
 * @brief Starts the pump; call pump_prime() first.
 *
 * Its rate is CONFIG_PUMP_RATE, see @ref pump_set_rate.
 */
int pump_start(int rate);

int pump_stop(void); ///< After it, pump_drain() may be called.
