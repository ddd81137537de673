void run() {
  int length = sprintf((char *) command, this->arbitrary_command_, this->duration_);
  vsprintf(out, fmt, args);
}
