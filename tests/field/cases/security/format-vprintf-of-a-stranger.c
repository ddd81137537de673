void fail(const char *what, ...) {
    va_list ap;
    va_start(ap, what);
    vsnprintf(out, sizeof(out), received, ap);
    va_end(ap);
}
