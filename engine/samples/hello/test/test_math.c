#include "unity.h"

static void test_addition(void) {
    volatile int32_t two = 2;
    TEST_ASSERT_EQUAL(4, two + two);
}

static void test_multiplication(void) {
    volatile int32_t six = 6;
    TEST_ASSERT_EQUAL(42, six * 7);
}

static void test_division_rounds_towards_zero(void) {
    volatile int32_t minus_seven = -7;
    TEST_ASSERT_EQUAL(-3, minus_seven / 2);
}

int run_tests(void) {
    UNITY_BEGIN();
    RUN_TEST(test_addition);
    RUN_TEST(test_multiplication);
    RUN_TEST(test_division_rounds_towards_zero);
    return UNITY_END();
}
