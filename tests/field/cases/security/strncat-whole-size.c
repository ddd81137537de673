#define ROOM 32
void whole(const char *s) { char b[ROOM] = "id="; strncat(b, s, ROOM); use(b); }
void number(const char *s) { char b[32] = "id="; strncat(b, s, 32); use(b); }
void rest(const char *s) { char b[ROOM] = "id="; strncat(b, s, ROOM - strlen(b) - 1); use(b); }
void less(const char *s) { char b[ROOM] = "id="; strncat(b, s, 8); use(b); }
