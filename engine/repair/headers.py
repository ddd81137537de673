"""Which header declares a well-known name, as data."""

from __future__ import annotations

FREESTANDING = frozenset(
    {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h", "float.h", "stdalign.h"}
)
"""Headers that every compiler has, also without a C library (C11, 4, paragraph 6)."""

_STANDARD: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("stdint.h",),
        "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t uintptr_t "
        "intmax_t uintmax_t int_fast8_t int_fast16_t int_fast32_t uint_fast8_t uint_fast16_t "
        "uint_fast32_t int_least8_t int_least16_t int_least32_t uint_least8_t uint_least16_t "
        "uint_least32_t INT8_MAX INT16_MAX INT32_MAX INT64_MAX INT8_MIN INT16_MIN INT32_MIN "
        "INT64_MIN UINT8_MAX UINT16_MAX UINT32_MAX UINT64_MAX SIZE_MAX UINTPTR_MAX",
    ),
    (("stddef.h",), "size_t ptrdiff_t NULL offsetof max_align_t"),
    (("stdbool.h",), "bool true false"),
    (("stdarg.h",), "va_list va_start va_arg va_end va_copy"),
    (("limits.h",), "CHAR_BIT INT_MAX INT_MIN UINT_MAX LONG_MAX LONG_MIN ULONG_MAX"),
    (
        ("string.h",),
        "memcpy memmove memset memcmp memchr strlen strcpy strncpy strcat strncat strcmp strncmp "
        "strchr strrchr strstr strtok strdup strerror",
    ),
    (
        ("stdio.h",),
        "printf fprintf sprintf snprintf vprintf vsnprintf puts putchar getchar scanf sscanf fopen "
        "fclose fread fwrite fgets fputs fflush perror FILE stdin stdout stderr EOF",
    ),
    (
        ("stdlib.h",),
        "malloc calloc realloc free abort exit atoi atol strtol strtoul strtod rand srand qsort "
        "abs labs getenv EXIT_SUCCESS EXIT_FAILURE",
    ),
    (
        ("math.h",),
        "sin cos tan asin acos atan atan2 sqrt pow exp log log10 floor ceil fabs fmod round sinf "
        "cosf sqrtf powf fabsf roundf M_PI NAN INFINITY isnan isinf",
    ),
    (("ctype.h",), "isalpha isdigit isalnum isspace isupper islower isxdigit toupper tolower"),
    (("assert.h",), "assert static_assert"),
    (("errno.h",), "errno EINVAL ENOMEM EIO EAGAIN ETIMEDOUT"),
    (
        ("inttypes.h",),
        "PRIu8 PRIu16 PRIu32 PRIu64 PRId8 PRId16 PRId32 PRId64 PRIx8 PRIx16 PRIx32 PRIx64",
    ),
    (("time.h",), "time_t time clock_t clock localtime_r gmtime_r strftime mktime"),
    (("sys/time.h",), "gettimeofday settimeofday"),
    (("unistd.h",), "usleep sleep"),
)

_ESP_IDF: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("esp_log.h",),
        "ESP_LOGE ESP_LOGW ESP_LOGI ESP_LOGD ESP_LOGV ESP_EARLY_LOGI esp_log_level_set "
        "esp_log_timestamp ESP_LOG_BUFFER_HEX",
    ),
    (("esp_err.h",), "esp_err_t esp_err_to_name ESP_ERROR_CHECK ESP_OK ESP_FAIL ESP_ERR_NO_MEM"),
    (("esp_check.h",), "ESP_RETURN_ON_ERROR ESP_GOTO_ON_ERROR ESP_RETURN_ON_FALSE"),
    (
        ("esp_system.h",),
        "esp_restart esp_reset_reason esp_get_free_heap_size esp_get_minimum_free_heap_size",
    ),
    (("esp_chip_info.h",), "esp_chip_info esp_chip_info_t"),
    (("esp_mac.h",), "esp_read_mac esp_efuse_mac_get_default MACSTR MAC2STR"),
    (("esp_random.h",), "esp_random esp_fill_random"),
    (
        ("esp_timer.h",),
        "esp_timer_get_time esp_timer_create esp_timer_start_periodic esp_timer_start_once "
        "esp_timer_handle_t esp_timer_create_args_t",
    ),
    (("esp_sleep.h",), "esp_deep_sleep_start esp_light_sleep_start esp_sleep_enable_timer_wakeup"),
    (
        ("esp_heap_caps.h",),
        "heap_caps_malloc heap_caps_free heap_caps_get_free_size MALLOC_CAP_DMA",
    ),
    (("esp_attr.h",), "IRAM_ATTR DRAM_ATTR RTC_DATA_ATTR EXT_RAM_ATTR"),
    (
        ("esp_event.h",),
        "esp_event_loop_create_default esp_event_handler_register esp_event_base_t",
    ),
    (("esp_wifi.h",), "esp_wifi_init esp_wifi_start esp_wifi_set_mode wifi_config_t"),
    (("esp_netif.h",), "esp_netif_init esp_netif_create_default_wifi_sta esp_netif_t"),
    (("nvs_flash.h",), "nvs_flash_init nvs_flash_erase"),
    (("nvs.h",), "nvs_open nvs_close nvs_commit nvs_handle_t nvs_get_i32 nvs_set_i32"),
    (
        ("driver/gpio.h",),
        "gpio_set_level gpio_get_level gpio_set_direction gpio_config gpio_config_t gpio_num_t "
        "gpio_reset_pin GPIO_MODE_OUTPUT GPIO_MODE_INPUT GPIO_NUM_0 GPIO_NUM_1 GPIO_NUM_2",
    ),
    (("driver/uart.h",), "uart_driver_install uart_param_config uart_config_t uart_write_bytes"),
    (
        ("freertos/FreeRTOS.h",),
        "pdMS_TO_TICKS portTICK_PERIOD_MS portMAX_DELAY pdTRUE pdFALSE pdPASS BaseType_t "
        "UBaseType_t TickType_t StackType_t portENTER_CRITICAL portEXIT_CRITICAL portMUX_TYPE "
        "configTICK_RATE_HZ",
    ),
    (
        ("freertos/FreeRTOS.h", "freertos/task.h"),
        "vTaskDelay vTaskDelayUntil xTaskCreate xTaskCreatePinnedToCore vTaskDelete TaskHandle_t "
        "xTaskGetTickCount vTaskSuspend vTaskResume xTaskNotifyGive ulTaskNotifyTake taskYIELD "
        "uxTaskGetStackHighWaterMark xTaskGetCurrentTaskHandle",
    ),
    (
        ("freertos/FreeRTOS.h", "freertos/queue.h"),
        "xQueueCreate xQueueSend xQueueReceive xQueueSendFromISR QueueHandle_t",
    ),
    (
        ("freertos/FreeRTOS.h", "freertos/semphr.h"),
        "xSemaphoreCreateMutex xSemaphoreCreateBinary xSemaphoreTake xSemaphoreGive "
        "SemaphoreHandle_t xSemaphoreGiveFromISR",
    ),
    (
        ("freertos/FreeRTOS.h", "freertos/event_groups.h"),
        "xEventGroupCreate xEventGroupSetBits xEventGroupWaitBits EventGroupHandle_t",
    ),
    (
        ("freertos/FreeRTOS.h", "freertos/timers.h"),
        "xTimerCreate xTimerStart xTimerStop TimerHandle_t",
    ),
)

HEADERS: dict[str, tuple[str, ...]] = {
    name: headers for headers, names in (*_STANDARD, *_ESP_IDF) for name in names.split()
}
"""The headers that declare a name, in the order in which they must be included."""

STANDARD = frozenset(header for headers, _names in _STANDARD for header in headers)
"""Headers of the C library or the compiler, included with ``<>``."""
