void post(const char *format, ...) {
    va_list list;
    va_start(list, format);
    size_t size = vsnprintf(NULL, 0, format, list) + 1;
    char *text = heap_caps_malloc(size, MALLOC_CAP_SPIRAM);
    vsprintf(text, format, list);
    va_end(list);
}
void send(const char *format, ...) {
    char text[64];
    va_list list;
    va_start(list, format);
    vsprintf(text, format, list);
    va_end(list);
}
