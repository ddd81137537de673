char first[CONFIG_NAME_LEN + 1];
void f(void) {
    char second[CONFIG_NAME_LEN + 1];
    char third[CONFIG_NAME_LEN];
    strcpy(second, first);
    strcpy(third, first);
}
