void panic(void) {
    /* the device stops: memory of its log is gone */
    for (;;) {}
}
