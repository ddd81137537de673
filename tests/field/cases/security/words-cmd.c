static int cmd_system(int argc, char **argv) { return 0; }
void register_system(void) {
    const esp_console_cmd_t cmd = { .command = "system", .func = &cmd_system };
    esp_system_abort("gets(x)");
    my_gets(line);
    fgets(line, sizeof(line), stdin);
}
