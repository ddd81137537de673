// gets(buffer); \
   gets(buffer);
/* strcpy(a, b); " */
void f(char *b) {
#if 0
    gets(b);
#ifdef X
    gets(b);
#endif
#else
    puts("gets(b); // no comment");
#endif
    const char *url = "http://gets(b)";
}
