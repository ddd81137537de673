static const char *const formats[] = { "%d s", "%d min" };
static const struct { int unit; const char *format; } units[] = { { 1, "%d m" }, { 2, "%d km" } };
static char *changing[] = { "%d" };
void show(int n, int unit) {
    printf(formats[unit], n);
    printf(units[unit].format, n);
    printf(changing[unit], n);
}
