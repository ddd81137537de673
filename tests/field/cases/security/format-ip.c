static void show(ip4_addr_t addr, char *out, size_t room) {
    char text[16];
    printf(IPSTR, IP2STR(&addr));
    printf ("ip " IPSTR "\n", IP2STR(&addr));
    printf(IPSTR":%d -> ", IP2STR(&addr), port);
    snprintf(out, room, "http://" IPSTR, IP2STR(&addr));
    sprintf(text, IPSTR, IP2STR(&addr));
}
