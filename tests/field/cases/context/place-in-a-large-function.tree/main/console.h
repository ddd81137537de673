void run_command(const String& line);
void ready();
