// Calls of many shapes, for panics whose callers are to be found: see README.md here.
extern "C" {
unsigned strlen_rom(const char *);
void *memset_rom(void *, int, unsigned);
volatile int sink;
volatile int *volatile bad;
__attribute__((noinline)) void leaf_write(volatile int *p, int v) { *p = v; }
[[noreturn]] __attribute__((noinline)) void panic_abort() { for (;;) sink++; }
[[noreturn]] __attribute__((noinline)) void abort() { sink = 9; panic_abort(); }
__attribute__((noinline)) void tail_target(int v) { *bad = v; sink = v; }
__attribute__((noinline)) void tail_caller(int v) { sink = v + 1; tail_target(v * 3); }
static inline __attribute__((always_inline)) void inner(int v) { *bad = v; sink += v; }
static inline __attribute__((always_inline)) void middle(int v) { inner(v + 1); sink ^= v; }
__attribute__((noinline)) int with_inlined(int v) { middle(v); return sink; }
__attribute__((noinline)) int large_frame(int v) {
  volatile char a[600];
  for (int i = 0; i < 600; i++) a[i] = v;
  leaf_write(bad, a[v & 7]);
  return a[3];
}
__attribute__((noinline)) int many_saved(int a, int b, int c, int d) {
  int e = sink, f = sink, g = sink, h = sink;
  leaf_write(bad, a);
  int r = with_inlined(a + b);
  return r + a + b + c + d + e + f + g + h;
}
__attribute__((noinline)) unsigned rom_user(const char *s) {
  unsigned n = strlen_rom(s);
  sink = n;
  return n + 1;
}
__attribute__((noinline)) void *rom_tail(void *p) { return memset_rom(p, 0, 4); }
__attribute__((noinline)) int recurse(int n) {
  if (n == 0) { *bad = n; return 1; }
  return recurse(n - 1) * n + sink;
}
__attribute__((noinline)) void gives_up(int v) { if (v) abort(); sink = 3; }
void app_main();
void _start() { app_main(); for (;;) sink++; }
}
namespace lab {
template <class T> struct Box {
  T v;
  __attribute__((noinline)) void set(T x) { v = x; *bad = (int)x; }
};
struct Task { virtual void run(int) = 0; };
struct Blink : Task {
  __attribute__((noinline)) void run(int v) override { Box<int> b; b.set(v); sink = b.v; }
};
Blink blink;
Task *volatile task = &blink;
}
__attribute__((noinline)) void run_task() { lab::task->run(sink); sink = 8; }
extern "C" void app_main() {
  tail_caller(sink); sink = 1;
  many_saved(sink, sink, sink, sink); sink = 2;
  large_frame(sink); sink = 3;
  rom_user((const char *)bad); sink = 4;
  rom_tail((void *)bad); sink = 5;
  run_task(); sink = 2;
  recurse(sink); sink = 7;
  gives_up(sink); sink = 8;
}
