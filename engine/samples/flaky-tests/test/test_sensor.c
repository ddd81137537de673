/* The readings of a sensor are scaled, then held within limits; one of the three tests of that
 * does not pass, and espdeck does not let the firmware through. */
#include "unity.h"

/* The sensor of this board, in tenths of a degree: what it should say and what it says. */
static volatile int32_t raw = 210;

static int32_t scaled(int32_t tenths) {
    return tenths * 2 / 10;
}

static int32_t clamped(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

static void test_scale(void) {
    TEST_ASSERT_EQUAL(42, scaled(raw));
    TEST_ASSERT_EQUAL(0, scaled(0));
}

static void test_clamp(void) {
    TEST_ASSERT_EQUAL(0, clamped(-5, 0, 100));
    TEST_ASSERT_EQUAL(100, clamped(raw, 0, 100));
}

static void test_range(void) {
    TEST_ASSERT_EQUAL(42, clamped(scaled(raw), 0, 41)); /* the upper limit is off by one */
}

int run_tests(void) {
    UNITY_BEGIN();
    RUN_TEST(test_scale);
    RUN_TEST(test_clamp);
    RUN_TEST(test_range);
    return UNITY_END();
}
