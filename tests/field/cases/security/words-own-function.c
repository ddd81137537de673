static int access(int level) {
    return level > 2;
}
void system(int mode);
int check(int level) {
    return access(level);
}
