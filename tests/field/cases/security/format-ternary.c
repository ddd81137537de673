int forget(int argc, char **argv) {
    printf(ip == 0 ? "client blocked\n" : "reservation added\n");
    printf(seconds == 0 ? " (off)\n" : "\n");
    printf((a ? (b ? "one %d" : "two %d") : "three %d"), n);
    printf(a ? "safe" : argv[1]);
    return 0;
}
