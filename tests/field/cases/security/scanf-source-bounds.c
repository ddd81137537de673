void parse(void) {
    char line[32];
    char word[32];
    char small[8];
    sscanf(line, "%s", word);
    sscanf(line, "%s", small);
}
