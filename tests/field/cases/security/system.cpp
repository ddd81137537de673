void reboot(const char *device) {
  system("sync");
  std::system(command.c_str());
  FILE *pipe = popen(command, "r");
  execvp(argv[0], argv);
  ::system(CLEAR_SCREEN);
}
