void page() {
  snprintf(topic, sizeof(topic), PSTR("%s/%s"), base, "roll");
  printf(_("%d files\n"), n);
  Serial.printf(F("%d"), n);
  printf(LOG_FORMAT(I, "%s"), esp_log_timestamp(), tag, text);
  snprintf(buf, sizeof(buf), PSTR("\",\"mode\":\"%s"), mode(dev->mode()));
  printf(translated("%d files\n"), n);
}
