#define line(text) "<p>" text "</p>"
constexpr char kRow[] = "%d;";
static constexpr auto kEnd = "%d.";
template <typename... Args> void log(const char *fmt, Args... args) {
  char out[64];
  snprintf(out, sizeof(out), fmt, args...);
}
void show(int n) {
  printf(line("%d"), n);
  printf(kRow, n);
  printf(kEnd, n);
  ::std::printf(text(3), n);
}
