/* Does not compile: a semicolon is missing. With it, this is a firmware like any other. */
#include "console.h"

int run_tests(void);

int main(void) {
    const char *what = "every statement has its semicolon"
    LOGI("main", "repaired: %s", what);
    run_tests();
    for (;;) {
        __asm__ volatile("wfi");
    }
}
