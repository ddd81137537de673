Hub::Hub(int a) noexcept : base(a), access(a) {}
int f(const char *p, int x) {
  switch (x) {
    case (ONE): return access(p, 0);
    default: return x ? 0 : access(p, 1);
  }
}
