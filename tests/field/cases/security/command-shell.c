void ping(const char *host) { execl("/bin/sh", "sh", "-c", host, NULL); }
void list(void) { execl("/bin/sh", "sh", "-c", "ls -l", NULL); }
void open(const char *folder) { execl("/bin/ls", "ls", folder, NULL); }
