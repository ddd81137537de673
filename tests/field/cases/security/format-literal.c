void show(int n) {
    printf("%d\n", n);
    fprintf(stderr, "a" "b" "%d\n", n);
    printf("\0641" "%s", name);
}
