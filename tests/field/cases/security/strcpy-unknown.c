void join(char *out, const char *given) {
    strcpy(out, given);
    strcat(out, ifa->ifa_name);
    wcscpy(wide, other);
}
