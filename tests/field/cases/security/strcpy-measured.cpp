Segment::Segment(const Segment &orig) {
  if (orig.name) { name = static_cast<char*>(malloc(strlen(orig.name)+1)); if (name) strcpy(name, orig.name); }
}
esp_err_t mount(const char *base_path) {
  if (strlen(base_path) >= sizeof(vfs->base_path)) {
    return ESP_ERR_INVALID_ARG;
  }
  strcpy(vfs->base_path, base_path);
  printf("%d", strlen(other));
  strcpy(vfs->base_path, other);
}
