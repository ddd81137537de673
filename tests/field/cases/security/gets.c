#define READ(b) gets(b)
void ask(char *name) {
    gets(name);
    if (name) gets(name); else gets(other);
}
