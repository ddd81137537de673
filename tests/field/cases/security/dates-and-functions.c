void about(void) {
    char date[12], time[8];
    strcpy(date, __DATE__);
    strcpy(time, __TIME__);
    printf(__func__);
    sprintf(text, "%s %s", __DATE__, __TIME__);
    strcpy(where, __FILE__);
}
