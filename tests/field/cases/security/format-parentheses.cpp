void clock(char *text, bool zero) {
  char shown[8];
  sprintf  (shown, zero?    ("%02d")          :    ("%d"),         hour(now));
  sprintf  (shown,          ("%02d")                     ,         second(now));
  snprintf(shown, sizeof(shown), (const char *)("%d"), 3);
}
