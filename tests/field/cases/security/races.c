bool there(const char *path) {
    if (access(path, F_OK) == 0) {
        chmod(path, 0644);
    }
    return mktemp(name) != NULL;
}
