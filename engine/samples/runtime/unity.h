/* A reporter with the macros and the output of Unity (ThrowTheSwitch), as small as the samples
 * need: an assertion that fails returns from its test. */
#pragma once

#include <stdint.h>

#include "console.h"

static struct {
    const char *file;
    const char *name;
    uint32_t tests, failures, failed_now;
} unity;

static inline void unity_fail(uint32_t line) {
    unity.failed_now = 1;
    console_print("%s:%u:%s:FAIL: ", unity.file, line, unity.name);
}

static inline int unity_equal(int32_t expected, int32_t actual, uint32_t line) {
    if (expected != actual) {
        unity_fail(line);
        console_print("Expected %d Was %d.\n", (int)expected, (int)actual);
    }
    return expected == actual;
}

static inline void unity_run(void (*test)(void), const char *name, uint32_t line) {
    unity.name = name;
    unity.failed_now = 0;
    test();
    unity.tests++;
    unity.failures += unity.failed_now;
    if (unity.failed_now == 0u) {
        console_print("%s:%u:%s:PASS\n", unity.file, line, name);
    }
}

static inline int unity_end(void) {
    console_print("\n-----------------------\n%u Tests %u Failures 0 Ignored \n%s\n",
                  (unsigned)unity.tests, (unsigned)unity.failures, unity.failures ? "FAIL" : "OK");
    return (int)unity.failures;
}

#define UNITY_BEGIN() (unity.file = __FILE__)
#define RUN_TEST(test) unity_run(test, #test, __LINE__)
#define UNITY_END() unity_end()
#define TEST_ASSERT_EQUAL(expected, actual) \
    do { \
        if (!unity_equal((int32_t)(expected), (int32_t)(actual), __LINE__)) return; \
    } while (0)
