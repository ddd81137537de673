/* Works, but one of its tests does not pass. */
#include "console.h"

int run_tests(void);

int main(void) {
    LOGI("main", "sensor ready");
    run_tests();
    for (;;) {
        __asm__ volatile("wfi");
    }
}
