__attribute__((section(".iram1"),
               noinline,
               used))
void f(char *b) {
    gets(b);
}
