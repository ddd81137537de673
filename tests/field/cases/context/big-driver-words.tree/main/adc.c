/*
 * SPDX-License-Identifier: MIT
 *
 * Driver of a converter with sixteen bits.
 */
#include <string.h>
#include "adc.h"
#include "driver/i2c_master.h"

#define ADC_TRIES 3

typedef struct {
    i2c_master_dev_handle_t bus;
    int writes;
} adc_dev_t;

/** Reset of the converter; register 0. */
static esp_err_t adc_reset(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {0, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 2; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "reset failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Probe of the converter; register 1. */
static esp_err_t adc_probe(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {1, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 3; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "probe failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Configure of the converter; register 2. */
static esp_err_t adc_configure(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {2, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 4; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "configure failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Set gain of the converter; register 3. */
static esp_err_t adc_set_gain(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {3, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 5; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "set_gain failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Set rate of the converter; register 4. */
static esp_err_t adc_set_rate(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {4, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 6; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "set_rate failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Read status of the converter; register 5. */
static esp_err_t adc_read_status(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {5, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 7; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "read_status failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Read sample of the converter; register 6. */
static esp_err_t adc_read_sample(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {6, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 8; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "read_sample failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Average of the converter; register 7. */
static esp_err_t adc_average(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {7, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 9; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "average failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Calibrate of the converter; register 8. */
static esp_err_t adc_calibrate(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {8, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 10; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "calibrate failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Set threshold of the converter; register 9. */
static esp_err_t adc_set_threshold(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {9, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 11; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "set_threshold failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Enable interrupt of the converter; register 10. */
static esp_err_t adc_enable_interrupt(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {10, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 12; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "enable_interrupt failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Disable interrupt of the converter; register 11. */
static esp_err_t adc_disable_interrupt(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {11, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 13; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "disable_interrupt failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Handle alarm of the converter; register 12. */
static esp_err_t adc_handle_alarm(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {12, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 14; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "handle_alarm failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Sleep of the converter; register 13. */
static esp_err_t adc_sleep(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {13, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 15; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "sleep failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Wake of the converter; register 14. */
static esp_err_t adc_wake(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {14, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 16; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "wake failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Self test of the converter; register 15. */
static esp_err_t adc_self_test(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {15, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 17; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "self_test failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Dump registers of the converter; register 16. */
static esp_err_t adc_dump_registers(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {16, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 18; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "dump_registers failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}

/** Set mode of the converter; register 17. */
static esp_err_t adc_set_mode(adc_dev_t *dev, uint16_t value)
{
    if (dev == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint8_t frame[3] = {17, value >> 8, value & 0xff};
    for (int attempt = 0; attempt < 19; attempt++) {
        esp_err_t error = i2c_master_transmit(dev->bus, frame, sizeof(frame), 50);
        if (error == ESP_OK) {
            dev->writes++;
            return ESP_OK;
        }
        ESP_LOGW(TAG, "set_mode failed on try %d", attempt);
    }
    return ESP_ERR_TIMEOUT;
}
