static int made_0(int value) {
    return value + 0;
}

static int made_1(int value) {
    return value + 1;
}

static int made_2(int value) {
    return value + 2;
}

static int made_3(int value) {
    return value + 3;
}

static int made_4(int value) {
    return value + 4;
}

static int made_5(int value) {
    return value + 5;
}

static int made_6(int value) {
    return value + 6;
}

static int made_7(int value) {
    return value + 7;
}

static int made_8(int value) {
    return value + 8;
}

static int made_9(int value) {
    return value + 9;
}

static int made_10(int value) {
    return value + 10;
}

static int made_11(int value) {
    return value + 11;
}

static int made_12(int value) {
    return value + 12;
}

static int made_13(int value) {
    return value + 13;
}

static int made_14(int value) {
    return value + 14;
}

static int made_15(int value) {
    return value + 15;
}

static int made_16(int value) {
    return value + 16;
}

static int made_17(int value) {
    return value + 17;
}

static int made_18(int value) {
    return value + 18;
}

static int made_19(int value) {
    return value + 19;
}

static int made_20(int value) {
    return value + 20;
}

static int made_21(int value) {
    return value + 21;
}

static int made_22(int value) {
    return value + 22;
}

static int made_23(int value) {
    return value + 23;
}

static int made_24(int value) {
    return value + 24;
}

static int made_25(int value) {
    return value + 25;
}

static int made_26(int value) {
    return value + 26;
}

static int made_27(int value) {
    return value + 27;
}

static int made_28(int value) {
    return value + 28;
}

static int made_29(int value) {
    return value + 29;
}

static int made_30(int value) {
    return value + 30;
}

static int made_31(int value) {
    return value + 31;
}

static int made_32(int value) {
    return value + 32;
}

static int made_33(int value) {
    return value + 33;
}

static int made_34(int value) {
    return value + 34;
}

static int made_35(int value) {
    return value + 35;
}

static int made_36(int value) {
    return value + 36;
}

static int made_37(int value) {
    return value + 37;
}

static int made_38(int value) {
    return value + 38;
}

static int made_39(int value) {
    return value + 39;
}

static int made_40(int value) {
    return value + 40;
}

static int made_41(int value) {
    return value + 41;
}

static int made_42(int value) {
    return value + 42;
}

static int made_43(int value) {
    return value + 43;
}

static int made_44(int value) {
    return value + 44;
}

static int made_45(int value) {
    return value + 45;
}

static int made_46(int value) {
    return value + 46;
}

static int made_47(int value) {
    return value + 47;
}

static int made_48(int value) {
    return value + 48;
}

static int made_49(int value) {
    return value + 49;
}

static int made_50(int value) {
    return value + 50;
}

static int made_51(int value) {
    return value + 51;
}

static int made_52(int value) {
    return value + 52;
}

static int made_53(int value) {
    return value + 53;
}

static int made_54(int value) {
    return value + 54;
}

static int made_55(int value) {
    return value + 55;
}

static int made_56(int value) {
    return value + 56;
}

static int made_57(int value) {
    return value + 57;
}

static int made_58(int value) {
    return value + 58;
}

static int made_59(int value) {
    return value + 59;
}

static int made_60(int value) {
    return value + 60;
}

static int made_61(int value) {
    return value + 61;
}

static int made_62(int value) {
    return value + 62;
}

static int made_63(int value) {
    return value + 63;
}

static int made_64(int value) {
    return value + 64;
}

static int made_65(int value) {
    return value + 65;
}

static int made_66(int value) {
    return value + 66;
}

static int made_67(int value) {
    return value + 67;
}

static int made_68(int value) {
    return value + 68;
}

static int made_69(int value) {
    return value + 69;
}

static int made_70(int value) {
    return value + 70;
}

static int made_71(int value) {
    return value + 71;
}

static int made_72(int value) {
    return value + 72;
}

static int made_73(int value) {
    return value + 73;
}

static int made_74(int value) {
    return value + 74;
}

static int made_75(int value) {
    return value + 75;
}

static int made_76(int value) {
    return value + 76;
}

static int made_77(int value) {
    return value + 77;
}

static int made_78(int value) {
    return value + 78;
}

static int made_79(int value) {
    return value + 79;
}

static int made_80(int value) {
    return value + 80;
}

static int made_81(int value) {
    return value + 81;
}

static int made_82(int value) {
    return value + 82;
}

static int made_83(int value) {
    return value + 83;
}

static int made_84(int value) {
    return value + 84;
}

static int made_85(int value) {
    return value + 85;
}

static int made_86(int value) {
    return value + 86;
}

static int made_87(int value) {
    return value + 87;
}

static int made_88(int value) {
    return value + 88;
}

static int made_89(int value) {
    return value + 89;
}

static int made_90(int value) {
    return value + 90;
}

static int made_91(int value) {
    return value + 91;
}

static int made_92(int value) {
    return value + 92;
}

static int made_93(int value) {
    return value + 93;
}

static int made_94(int value) {
    return value + 94;
}

static int made_95(int value) {
    return value + 95;
}

static int made_96(int value) {
    return value + 96;
}

static int made_97(int value) {
    return value + 97;
}

static int made_98(int value) {
    return value + 98;
}

static int made_99(int value) {
    return value + 99;
}

static int made_100(int value) {
    return value + 100;
}

static int made_101(int value) {
    return value + 101;
}

static int made_102(int value) {
    return value + 102;
}

static int made_103(int value) {
    return value + 103;
}

static int made_104(int value) {
    return value + 104;
}

static int made_105(int value) {
    return value + 105;
}

static int made_106(int value) {
    return value + 106;
}

static int made_107(int value) {
    return value + 107;
}

static int made_108(int value) {
    return value + 108;
}

static int made_109(int value) {
    return value + 109;
}

static int made_110(int value) {
    return value + 110;
}

static int made_111(int value) {
    return value + 111;
}

static int made_112(int value) {
    return value + 112;
}

static int made_113(int value) {
    return value + 113;
}

static int made_114(int value) {
    return value + 114;
}

static int made_115(int value) {
    return value + 115;
}

static int made_116(int value) {
    return value + 116;
}

static int made_117(int value) {
    return value + 117;
}

static int made_118(int value) {
    return value + 118;
}

static int made_119(int value) {
    return value + 119;
}

static int made_120(int value) {
    return value + 120;
}

static int made_121(int value) {
    return value + 121;
}

static int made_122(int value) {
    return value + 122;
}

static int made_123(int value) {
    return value + 123;
}

static int made_124(int value) {
    return value + 124;
}

static int made_125(int value) {
    return value + 125;
}

static int made_126(int value) {
    return value + 126;
}

static int made_127(int value) {
    return value + 127;
}

static int made_128(int value) {
    return value + 128;
}

static int made_129(int value) {
    return value + 129;
}

static int made_130(int value) {
    return value + 130;
}

static int made_131(int value) {
    return value + 131;
}

static int made_132(int value) {
    return value + 132;
}

static int made_133(int value) {
    return value + 133;
}

static int made_134(int value) {
    return value + 134;
}

static int made_135(int value) {
    return value + 135;
}

static int made_136(int value) {
    return value + 136;
}

static int made_137(int value) {
    return value + 137;
}

static int made_138(int value) {
    return value + 138;
}

static int made_139(int value) {
    return value + 139;
}

static int made_140(int value) {
    return value + 140;
}

static int made_141(int value) {
    return value + 141;
}

static int made_142(int value) {
    return value + 142;
}

static int made_143(int value) {
    return value + 143;
}

static int made_144(int value) {
    return value + 144;
}

static int made_145(int value) {
    return value + 145;
}

static int made_146(int value) {
    return value + 146;
}

static int made_147(int value) {
    return value + 147;
}

static int made_148(int value) {
    return value + 148;
}

static int made_149(int value) {
    return value + 149;
}

void test_it(void) {}

int main(void) {
    UNITY_BEGIN();
    RUN_TEST(test_it);
    return UNITY_END();
}
