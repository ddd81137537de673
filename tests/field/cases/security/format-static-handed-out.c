static void say(const char *format) { printf(format); }
static void tell(const char *format) { printf(format); }
void start(void) { say("hello"); tell("hello"); on_message(say); }
