static void row(const char *format, int n) {
    printf(format, n);
}
static void line(const char *format, int n) {
    printf(format, n);
}
void show(char *input) {
    row("%d;", 1);
    row("%d\n", 2);
    line("%d", 1);
    line(input, 2);
}
