void parse(const char *text) {
    char name[16], other[20];
    sscanf(text, "%16s", name);
    sscanf(text, "%d %19s %20s", &n, other, other);
}
