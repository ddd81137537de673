void f(char *b)
{
    pri\
ntf(b);
    printf \
        ("%d" \
         "%d", 1, 2);
    printf
    (b);
}
