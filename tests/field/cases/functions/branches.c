#if CONFIG_A
int open_port(int number) {
#elif CONFIG_B
int open_port(void) {
#else
int open_port(const char *name) {
#endif
    if (ready()) {
#ifdef CONFIG_FAST
        while (busy()) {
#else
        while (slow()) {
#endif
        }
    }
    return 0;
}

#if SOC_HAS_CLOCK
static int clock_of(int chip)
{
    return chip;
}
#else
static int clock_of(int chip)
{
    return 40;
}
static int no_clock(void)
{
    return 0;
}
#endif
