void parse(const char *text) {
    char name[16];
    sscanf(text, "%15s", name);
    sscanf(text, "%15[a-z0-9]", name);
    sscanf(text, "%d.%d.%d.%d", &a, &b, &c, &d);
    sscanf(text, "%*s %c", &e);
    sscanf(text, "%%s %d", &a);
}
