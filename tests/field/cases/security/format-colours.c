void dump(const uint8_t *data, int length) {
    for (int i = 0; i < length; i++) {
        printf(LOG_GREEN "%02x" LOG_RESET, data[i]);
    }
    printf(LOG_GREEN "I (%lu) %s: | data: " LOG_RESET, esp_log_timestamp(), tag);
    printf(" %"PRIu32, words[0]);
}
