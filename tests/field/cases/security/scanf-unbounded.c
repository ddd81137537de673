void parse(const char *text) {
    char name[16];
    sscanf(text, "%s", name);
    scanf("%d %[^\n]", &n, name);
    fscanf(file, "%*d %s", name);
    sscanf(text, format_of(3), name);
}
