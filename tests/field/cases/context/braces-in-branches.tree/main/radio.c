#include "radio.h"

int radio_step0(int x)
{
    x = x * 0 + 3;
    return x > 100 ? 100 : x;
}

int radio_step1(int x)
{
    x = x * 1 + 3;
    return x > 100 ? 100 : x;
}

int radio_step2(int x)
{
    x = x * 2 + 3;
    return x > 100 ? 100 : x;
}

int radio_step3(int x)
{
    x = x * 3 + 3;
    return x > 100 ? 100 : x;
}

int radio_step4(int x)
{
    x = x * 4 + 3;
    return x > 100 ? 100 : x;
}

int radio_step5(int x)
{
    x = x * 5 + 3;
    return x > 100 ? 100 : x;
}

int radio_step6(int x)
{
    x = x * 6 + 3;
    return x > 100 ? 100 : x;
}

int radio_step7(int x)
{
    x = x * 7 + 3;
    return x > 100 ? 100 : x;
}

int radio_step8(int x)
{
    x = x * 8 + 3;
    return x > 100 ? 100 : x;
}

int radio_step9(int x)
{
    x = x * 9 + 3;
    return x > 100 ? 100 : x;
}

int radio_step10(int x)
{
    x = x * 10 + 3;
    return x > 100 ? 100 : x;
}

int radio_step11(int x)
{
    x = x * 11 + 3;
    return x > 100 ? 100 : x;
}

int radio_step12(int x)
{
    x = x * 12 + 3;
    return x > 100 ? 100 : x;
}

int radio_step13(int x)
{
    x = x * 13 + 3;
    return x > 100 ? 100 : x;
}

int radio_step14(int x)
{
    x = x * 14 + 3;
    return x > 100 ? 100 : x;
}

int radio_step15(int x)
{
    x = x * 15 + 3;
    return x > 100 ? 100 : x;
}

int radio_step16(int x)
{
    x = x * 16 + 3;
    return x > 100 ? 100 : x;
}

int radio_step17(int x)
{
    x = x * 17 + 3;
    return x > 100 ? 100 : x;
}

int radio_step18(int x)
{
    x = x * 18 + 3;
    return x > 100 ? 100 : x;
}

int radio_step19(int x)
{
    x = x * 19 + 3;
    return x > 100 ? 100 : x;
}

int radio_step20(int x)
{
    x = x * 20 + 3;
    return x > 100 ? 100 : x;
}

int radio_step21(int x)
{
    x = x * 21 + 3;
    return x > 100 ? 100 : x;
}

int radio_step22(int x)
{
    x = x * 22 + 3;
    return x > 100 ? 100 : x;
}

int radio_step23(int x)
{
    x = x * 23 + 3;
    return x > 100 ? 100 : x;
}

int radio_step24(int x)
{
    x = x * 24 + 3;
    return x > 100 ? 100 : x;
}

#if CONFIG_RADIO_LONG
int radio_send(const char *text, int length) {
    if (length > 200) {
#else
int radio_send(const char *text) {
    if (strlen(text) > 20) {
#endif
        return -1;
    }
    return radio_write(text);
}

#ifdef CONFIG_RADIO_SLEEP
void radio_sleep(void)
{
    radio_off();
}
#else
void radio_idle(void)
{
    radio_low_power();
    radio_wait();
}
#endif
