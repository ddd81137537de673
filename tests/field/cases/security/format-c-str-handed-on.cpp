std::string text_of(const std::string format, ...) {
    va_list list;
    va_start(list, format);
    int n = vsnprintf(room, sizeof room, format.c_str(), list);
    va_end(list);
    return std::string(room, n);
}
void tell(const std::string &words) { snprintf(room, sizeof room, words.c_str()); }
