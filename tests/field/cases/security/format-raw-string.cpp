static const char page[] PROGMEM = R"html(
  <script>printf(name); system(cmd); gets(x) </script> "
)html";
void show(char *room) {
  printf(R"(%d "quoted")", 3);
  printf(name);
}
