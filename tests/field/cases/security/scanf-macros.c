void parse(char *buffer) {
    sscanf(buffer, IPSTR, &a[0], &a[1], &a[2], &a[3]);
    sscanf(buffer, "%" PRIu16 ";" IPV6STR ";%" PRIu16, &i, &a[0], &a[1], &a[2], &a[3], &p);
    sscanf(buffer, "%" XSTR(NAME_LEN) "[a-z0-9_];%" PRIu16, name, &port);
    sscanf(mac, "%02" SCNx32 "%02" SCNx32, &m[0], &m[1]);
    sscanf(buffer, "%[a-z];%" PRIu16, name, &port);
}
