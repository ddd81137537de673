void f(const char *given) {
    char out[32];
    sprintf(out, "%s", given);
    sprintf(out, "%.20s", given);
    sprintf(out, "%s/%d", config->name, 3);
}
