#define DBG(...) printf(__VA_ARGS__)
#define TRACE(fmt, ...) do { char buffer[80]; \
    snprintf(buffer, sizeof(buffer), fmt, ##__VA_ARGS__); \
    uart_puts(buffer); } while (0)
#define DHCPS_LOG printf
void (*out)(const char *, ...) = printf;
