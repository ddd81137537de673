// Größe
int old;
