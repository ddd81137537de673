void show() {
  char line[20];
  sprintf(line, "%s %d%%", line, percent);
  sprintf(buf.get(), "%s%02x ", buf.get(), byte);
}
