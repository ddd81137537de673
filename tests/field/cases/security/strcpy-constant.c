#define NAME "espdeck"
#define LOCATION CONFIG_WEB_LOCATION
void name(char *out) {
    char room[8];
    strcpy(room, NAME);
    strcpy(room, "a" "b");
    strcpy(out, LOCATION);
    strcat(out, afternoon ? "PM" : "AM");
    strcat(out, PSTR("failed"));
}
