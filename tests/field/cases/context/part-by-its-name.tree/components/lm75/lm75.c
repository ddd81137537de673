int lm75_0(int sensor)
{
    return sensor + 0; /* temperature reading, negative values too */
}

int lm75_1(int sensor)
{
    return sensor + 1; /* temperature reading, negative values too */
}

int lm75_2(int sensor)
{
    return sensor + 2; /* temperature reading, negative values too */
}

int lm75_3(int sensor)
{
    return sensor + 3; /* temperature reading, negative values too */
}

int lm75_4(int sensor)
{
    return sensor + 4; /* temperature reading, negative values too */
}

int lm75_5(int sensor)
{
    return sensor + 5; /* temperature reading, negative values too */
}

int lm75_6(int sensor)
{
    return sensor + 6; /* temperature reading, negative values too */
}

int lm75_7(int sensor)
{
    return sensor + 7; /* temperature reading, negative values too */
}

int lm75_8(int sensor)
{
    return sensor + 8; /* temperature reading, negative values too */
}

int lm75_9(int sensor)
{
    return sensor + 9; /* temperature reading, negative values too */
}

int lm75_10(int sensor)
{
    return sensor + 10; /* temperature reading, negative values too */
}

int lm75_11(int sensor)
{
    return sensor + 11; /* temperature reading, negative values too */
}

int lm75_12(int sensor)
{
    return sensor + 12; /* temperature reading, negative values too */
}

int lm75_13(int sensor)
{
    return sensor + 13; /* temperature reading, negative values too */
}

int lm75_14(int sensor)
{
    return sensor + 14; /* temperature reading, negative values too */
}

int lm75_15(int sensor)
{
    return sensor + 15; /* temperature reading, negative values too */
}

int lm75_16(int sensor)
{
    return sensor + 16; /* temperature reading, negative values too */
}

int lm75_17(int sensor)
{
    return sensor + 17; /* temperature reading, negative values too */
}

int lm75_18(int sensor)
{
    return sensor + 18; /* temperature reading, negative values too */
}

int lm75_19(int sensor)
{
    return sensor + 19; /* temperature reading, negative values too */
}

int lm75_20(int sensor)
{
    return sensor + 20; /* temperature reading, negative values too */
}

int lm75_21(int sensor)
{
    return sensor + 21; /* temperature reading, negative values too */
}

int lm75_22(int sensor)
{
    return sensor + 22; /* temperature reading, negative values too */
}

int lm75_23(int sensor)
{
    return sensor + 23; /* temperature reading, negative values too */
}

int lm75_24(int sensor)
{
    return sensor + 24; /* temperature reading, negative values too */
}

int lm75_25(int sensor)
{
    return sensor + 25; /* temperature reading, negative values too */
}

int lm75_26(int sensor)
{
    return sensor + 26; /* temperature reading, negative values too */
}

int lm75_27(int sensor)
{
    return sensor + 27; /* temperature reading, negative values too */
}

int lm75_28(int sensor)
{
    return sensor + 28; /* temperature reading, negative values too */
}

int lm75_29(int sensor)
{
    return sensor + 29; /* temperature reading, negative values too */
}

