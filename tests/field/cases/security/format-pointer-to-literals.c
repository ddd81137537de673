void tell(bool metric) {
    const char *fmt = "%d F";
    if (metric) {
        fmt = "%d C";
    }
    printf(fmt, degrees);
}
void ask(const char *given) {
    const char *fmt = "%d";
    fmt = given;
    printf(fmt, 3);
}
