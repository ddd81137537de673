int dice() { return random(1, 7); }
int throw_of(int sides) { return random(sides) + 1; }
long posix() { return random(); }
