uint8_t Display::printf(uint8_t pos, const char *format, ...) {
  va_list arg;
  va_start(arg, format);
  char buffer[64];
  int ret = vsnprintf(buffer, sizeof(buffer), format, arg);
  va_end(arg);
  return ret > 0 ? this->print(pos, buffer) : 0;
}
class Lcd {
 public:
  void printf(const char *format, ...) __attribute__((format(printf, 2, 3)));
};
void show(Display &display, const char *text) { display.printf(text); }
