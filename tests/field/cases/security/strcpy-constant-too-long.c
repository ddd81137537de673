#define NAME "a name of some length"
void name(void) {
    char room[8];
    strcpy(room, NAME);
}
