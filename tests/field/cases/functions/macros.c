#define CHECK(x) do { \
        if (!(x)) { \
            return ESP_FAIL; \
        } \
    } while (0)

/* { */
static const char *TAG = "{";  // {

int check_all(int value)
{
    char open = '{';
    CHECK(value != open);
    return printf("}%c\n", '}');
}
