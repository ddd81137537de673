int system(const char *command);
char *gets(char *line);
extern "C" int access(const char *path, int mode);
namespace lab { void popen(int x); }
class Shell {
 public:
  Shell(int access) : access_(access), system(access) {}
  void system() { this->popen(3); }
  [[nodiscard]] const char *getlogin() const;
  static int access(int x);
 private:
  System system;
};
void Shell::popen(int x) {}
boost::system::error_code code;
