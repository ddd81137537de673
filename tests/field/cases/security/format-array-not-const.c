char FMT[32] = "%d";
void set(const char *text) { strlcpy(FMT, text, sizeof(FMT)); }
void show(int n) {
    printf(FMT, n);
}
