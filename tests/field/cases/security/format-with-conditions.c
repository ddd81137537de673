#define TITLE "Player " VERSION
void usage(const char *name) {
    printf(TITLE " see -t\n"
           "usage: %s\n"
#if !EMBEDDED
           "  -o device\n"
#else
           "  -p pin\n"
#endif
           "  -t terms\n", name);
}
