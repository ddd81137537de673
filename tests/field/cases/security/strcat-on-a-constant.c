void keys(int number) {
    char key[10];
    char num[3];
    char large[8];
    strcat(strcpy(key, "ETH_"), num);
    strcat(strcpy(key, "ETH_"), large);
}
