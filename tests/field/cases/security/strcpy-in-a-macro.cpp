#define strcpy_P(dest, src) strcpy((dest), (src))
void f() { strcpy_P(a, b); }
