void console_put(const char *text);
