/* Says hello, runs its tests, then shows once a second that it is alive. */
#include "console.h"

int run_tests(void);

int main(void) {
    LOGI("main", "hello from espdeck");
    run_tests();
    for (uint32_t second = 1;; second++) {
        while (clock_ms() < second * 1000u) {
        }
        LOGI("main", "alive for %u s", (unsigned)second);
    }
}
