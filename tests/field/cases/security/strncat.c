void join(const char *given) {
    char out[32];
    strncat(out, given, sizeof(out));
    strncat(out, given, sizeof(out) - 1);
    strncat(out, "abc", sizeof(out));
    strncat(out, given, MAX_ADDED);
}
