static const char *TAG = "hub";
void show(char *name) {
    ESP_LOGI(TAG, "name %s", name);
    ESP_LOGE(tag_of(name), "no %s", name);
    esp_log_write(ESP_LOG_INFO, TAG, LOG_FORMAT(I, "%s"), 3, TAG, name);
}
