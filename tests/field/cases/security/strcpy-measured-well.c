esp_err_t early(const char *s) { char b[32]; if (strlen(s) >= sizeof b) return ESP_FAIL; strcpy(b, s); return use(b); }
void within(const char *s) { char b[32]; if (strlen(s) < sizeof(b)) { strcpy(b, s); use(b); } }
esp_err_t kept(const char *s) {
    char b[32];
    size_t n = strlen(s);
    if (n > sizeof(b) - 1) {
        ESP_LOGE(TAG, "name of %d characters", (int)n);
        return ESP_FAIL;
    }
    strcpy(b, s);
    return use(b);
}
char *twin(const char *s) { char *b = malloc(strlen(s) + 1); strcpy(b, s); return b; }
esp_err_t checked(const char *s) { char b[32]; ESP_RETURN_ON_FALSE(strlen(s) < sizeof(b), ESP_FAIL, TAG, "long"); strcpy(b, s); return use(b); }
void turned(const char *s) { char b[32]; if (sizeof(b) > strlen(s)) strcpy(b, s); use(b); }
void either(const char *s) { char b[32]; if (!s || strlen(s) > 31) return; strcpy(b, s); use(b); }
char *joined(const char *one, const char *two) {
    size_t total = 0;
    total += strlen(one);
    total += strlen(two);
    char *text = malloc(total + 1);
    strcpy(text, one);
    strcat(text, two);
    return text;
}
void sized(const char *s) { int n = strlen(s); char b[n + 1]; strcpy(b, s); use(b); }
void summed(const char *one, const char *two) {
    char b[32];
    if (strlen(one) + strlen(two) + 1 > sizeof b) return;
    strcpy(b, one);
    strcat(b, two);
    use(b);
}
void negated(const char *s) { char b[32]; if (!(strlen(s) < sizeof b)) return; strcpy(b, s); use(b); }
void otherwise(const char *s) { char b[32]; if (strlen(s) < 32) { count++; } else { return; } strcpy(b, s); use(b); }
void cut(char *s) { char b[32]; if (strlen(s) > 31) { s[31] = 0; } strcpy(b, s); use(b); }
void each(char **argv, int argc) {
    char b[32];
    for (int i = 0; i < argc; i++) {
        if (strlen(argv[i]) >= sizeof b) continue;
        strcpy(b, argv[i]);
        use(b);
    }
}
char *grown(char *p, int n, const char *s) { p = realloc(p, n + strlen(s) + 1); strcat(p, s); return p; }
void chosen(const char *s) { char b[32]; bool fits = strlen(s) < sizeof(b); if (fits) strcpy(b, s); use(b); }
char *own(ctx_t *ctx, const char *s) { char *p = js_malloc(ctx, strlen(s) + 3); strcpy(p, "./"); strcpy(p + 2, s); return p; }
void words(char **argv, int argc) {
    char line[512] = "";
    for (int i = 0; i < argc && (strlen(argv[i]) + strlen(line) + 2 < sizeof line); i++) {
        strcat(line, argv[i]);
        strcat(line, " ");
    }
    use(line);
}
char *path(const char *folder, const char *name) {
    int size = strlen(folder) + 1 + strlen(name) + 1;
    char *p = malloc(size);
    strcpy(p, folder);
    strcat(p, "/");
    strcat(p, name);
    return p;
}
