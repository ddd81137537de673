const char status_json[] = ",\"ip\":\"%s\",\"mask\":\"%s\"";
static const char *const ROW = "%s;%d";
void status(char *out, size_t room) {
    const char page[] = "<p>%s</p>";
    snprintf(out, room, status_json, ip, mask);
    snprintf(out, room, ROW, ip, 3);
    snprintf(out, room, page, ip);
}
