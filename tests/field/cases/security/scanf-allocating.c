void parse(const char *text) {
    char *name = NULL;
    sscanf(text, "%ms", &name);
    sscanf(text, "%2hhx%2hhx", &a, &b);
}
