void test_lamp(void) {}
