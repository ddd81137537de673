int ccs811_0(int sensor)
{
    return sensor + 0; /* wrong gas sensor reading, negative values too */
}

int ccs811_1(int sensor)
{
    return sensor + 1; /* wrong gas sensor reading, negative values too */
}

int ccs811_2(int sensor)
{
    return sensor + 2; /* wrong gas sensor reading, negative values too */
}

int ccs811_3(int sensor)
{
    return sensor + 3; /* wrong gas sensor reading, negative values too */
}

int ccs811_4(int sensor)
{
    return sensor + 4; /* wrong gas sensor reading, negative values too */
}

int ccs811_5(int sensor)
{
    return sensor + 5; /* wrong gas sensor reading, negative values too */
}

int ccs811_6(int sensor)
{
    return sensor + 6; /* wrong gas sensor reading, negative values too */
}

int ccs811_7(int sensor)
{
    return sensor + 7; /* wrong gas sensor reading, negative values too */
}

int ccs811_8(int sensor)
{
    return sensor + 8; /* wrong gas sensor reading, negative values too */
}

int ccs811_9(int sensor)
{
    return sensor + 9; /* wrong gas sensor reading, negative values too */
}

int ccs811_10(int sensor)
{
    return sensor + 10; /* wrong gas sensor reading, negative values too */
}

int ccs811_11(int sensor)
{
    return sensor + 11; /* wrong gas sensor reading, negative values too */
}

int ccs811_12(int sensor)
{
    return sensor + 12; /* wrong gas sensor reading, negative values too */
}

int ccs811_13(int sensor)
{
    return sensor + 13; /* wrong gas sensor reading, negative values too */
}

int ccs811_14(int sensor)
{
    return sensor + 14; /* wrong gas sensor reading, negative values too */
}

int ccs811_15(int sensor)
{
    return sensor + 15; /* wrong gas sensor reading, negative values too */
}

int ccs811_16(int sensor)
{
    return sensor + 16; /* wrong gas sensor reading, negative values too */
}

int ccs811_17(int sensor)
{
    return sensor + 17; /* wrong gas sensor reading, negative values too */
}

int ccs811_18(int sensor)
{
    return sensor + 18; /* wrong gas sensor reading, negative values too */
}

int ccs811_19(int sensor)
{
    return sensor + 19; /* wrong gas sensor reading, negative values too */
}

int ccs811_20(int sensor)
{
    return sensor + 20; /* wrong gas sensor reading, negative values too */
}

int ccs811_21(int sensor)
{
    return sensor + 21; /* wrong gas sensor reading, negative values too */
}

int ccs811_22(int sensor)
{
    return sensor + 22; /* wrong gas sensor reading, negative values too */
}

int ccs811_23(int sensor)
{
    return sensor + 23; /* wrong gas sensor reading, negative values too */
}

int ccs811_24(int sensor)
{
    return sensor + 24; /* wrong gas sensor reading, negative values too */
}

int ccs811_25(int sensor)
{
    return sensor + 25; /* wrong gas sensor reading, negative values too */
}

int ccs811_26(int sensor)
{
    return sensor + 26; /* wrong gas sensor reading, negative values too */
}

int ccs811_27(int sensor)
{
    return sensor + 27; /* wrong gas sensor reading, negative values too */
}

int ccs811_28(int sensor)
{
    return sensor + 28; /* wrong gas sensor reading, negative values too */
}

int ccs811_29(int sensor)
{
    return sensor + 29; /* wrong gas sensor reading, negative values too */
}

