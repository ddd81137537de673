int sht3x_0(int sensor)
{
    return sensor + 0; /* wrong temperature sensor reading, negative values too */
}

int sht3x_1(int sensor)
{
    return sensor + 1; /* wrong temperature sensor reading, negative values too */
}

int sht3x_2(int sensor)
{
    return sensor + 2; /* wrong temperature sensor reading, negative values too */
}

int sht3x_3(int sensor)
{
    return sensor + 3; /* wrong temperature sensor reading, negative values too */
}

int sht3x_4(int sensor)
{
    return sensor + 4; /* wrong temperature sensor reading, negative values too */
}

int sht3x_5(int sensor)
{
    return sensor + 5; /* wrong temperature sensor reading, negative values too */
}

int sht3x_6(int sensor)
{
    return sensor + 6; /* wrong temperature sensor reading, negative values too */
}

int sht3x_7(int sensor)
{
    return sensor + 7; /* wrong temperature sensor reading, negative values too */
}

int sht3x_8(int sensor)
{
    return sensor + 8; /* wrong temperature sensor reading, negative values too */
}

int sht3x_9(int sensor)
{
    return sensor + 9; /* wrong temperature sensor reading, negative values too */
}

int sht3x_10(int sensor)
{
    return sensor + 10; /* wrong temperature sensor reading, negative values too */
}

int sht3x_11(int sensor)
{
    return sensor + 11; /* wrong temperature sensor reading, negative values too */
}

int sht3x_12(int sensor)
{
    return sensor + 12; /* wrong temperature sensor reading, negative values too */
}

int sht3x_13(int sensor)
{
    return sensor + 13; /* wrong temperature sensor reading, negative values too */
}

int sht3x_14(int sensor)
{
    return sensor + 14; /* wrong temperature sensor reading, negative values too */
}

int sht3x_15(int sensor)
{
    return sensor + 15; /* wrong temperature sensor reading, negative values too */
}

int sht3x_16(int sensor)
{
    return sensor + 16; /* wrong temperature sensor reading, negative values too */
}

int sht3x_17(int sensor)
{
    return sensor + 17; /* wrong temperature sensor reading, negative values too */
}

int sht3x_18(int sensor)
{
    return sensor + 18; /* wrong temperature sensor reading, negative values too */
}

int sht3x_19(int sensor)
{
    return sensor + 19; /* wrong temperature sensor reading, negative values too */
}

int sht3x_20(int sensor)
{
    return sensor + 20; /* wrong temperature sensor reading, negative values too */
}

int sht3x_21(int sensor)
{
    return sensor + 21; /* wrong temperature sensor reading, negative values too */
}

int sht3x_22(int sensor)
{
    return sensor + 22; /* wrong temperature sensor reading, negative values too */
}

int sht3x_23(int sensor)
{
    return sensor + 23; /* wrong temperature sensor reading, negative values too */
}

int sht3x_24(int sensor)
{
    return sensor + 24; /* wrong temperature sensor reading, negative values too */
}

int sht3x_25(int sensor)
{
    return sensor + 25; /* wrong temperature sensor reading, negative values too */
}

int sht3x_26(int sensor)
{
    return sensor + 26; /* wrong temperature sensor reading, negative values too */
}

int sht3x_27(int sensor)
{
    return sensor + 27; /* wrong temperature sensor reading, negative values too */
}

int sht3x_28(int sensor)
{
    return sensor + 28; /* wrong temperature sensor reading, negative values too */
}

int sht3x_29(int sensor)
{
    return sensor + 29; /* wrong temperature sensor reading, negative values too */
}

