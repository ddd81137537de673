typedef struct {
    mb_perms_t access;
    int (*open)(const char *path);
    int (*system)(int what);
    void (*gets)(char *line);
} entry_t;
static const entry_t entry = { .access = PAR_READ, .open = file_open, .system = NULL };
#define GET_CMD(mode, access, rd, wr) (((mode == WRITE) && (access & PAR_WRITE)) ? wr : rd)
enum mode { access, system };
int look(entry_t *e, int access) {
    if (e->access(access) && (access & 3)) {
        e->system(1);
        return e->gets(line), access == 2;
    }
    return system_init();
}
