void f(void) {
    char out[12], two[3];
    sprintf(out, "%d", n);
    sprintf(two, "%02x", byte);
    sprintf(name, "%s%d", "NODE-", index);
    sprintf(buffer, "%s", connected ? "yes" : "no");
    sprintf(data, "%s", CMD_READ_STATUS);
    sprintf(data, CMD_SET_TEMP, degrees);
}
