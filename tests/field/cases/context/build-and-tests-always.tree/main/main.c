int step_0(int value) {
    return value + 0;
}

int step_1(int value) {
    return value + 1;
}

int step_2(int value) {
    return value + 2;
}

int step_3(int value) {
    return value + 3;
}

int step_4(int value) {
    return value + 4;
}

int step_5(int value) {
    return value + 5;
}

int step_6(int value) {
    return value + 6;
}

int step_7(int value) {
    return value + 7;
}

int step_8(int value) {
    return value + 8;
}

int step_9(int value) {
    return value + 9;
}

int step_10(int value) {
    return value + 10;
}

int step_11(int value) {
    return value + 11;
}

int step_12(int value) {
    return value + 12;
}

int step_13(int value) {
    return value + 13;
}

int step_14(int value) {
    return value + 14;
}

int step_15(int value) {
    return value + 15;
}

int step_16(int value) {
    return value + 16;
}

int step_17(int value) {
    return value + 17;
}

int step_18(int value) {
    return value + 18;
}

int step_19(int value) {
    return value + 19;
}

int step_20(int value) {
    return value + 20;
}

int step_21(int value) {
    return value + 21;
}

int step_22(int value) {
    return value + 22;
}

int step_23(int value) {
    return value + 23;
}

int step_24(int value) {
    return value + 24;
}

int step_25(int value) {
    return value + 25;
}

int step_26(int value) {
    return value + 26;
}

int step_27(int value) {
    return value + 27;
}

int step_28(int value) {
    return value + 28;
}

int step_29(int value) {
    return value + 29;
}

int step_30(int value) {
    return value + 30;
}

int step_31(int value) {
    return value + 31;
}

int step_32(int value) {
    return value + 32;
}

int step_33(int value) {
    return value + 33;
}

int step_34(int value) {
    return value + 34;
}

int step_35(int value) {
    return value + 35;
}

int step_36(int value) {
    return value + 36;
}

int step_37(int value) {
    return value + 37;
}

int step_38(int value) {
    return value + 38;
}

int step_39(int value) {
    return value + 39;
}

int step_40(int value) {
    return value + 40;
}

int step_41(int value) {
    return value + 41;
}

int step_42(int value) {
    return value + 42;
}

int step_43(int value) {
    return value + 43;
}

int step_44(int value) {
    return value + 44;
}

int step_45(int value) {
    return value + 45;
}

int step_46(int value) {
    return value + 46;
}

int step_47(int value) {
    return value + 47;
}

int step_48(int value) {
    return value + 48;
}

int step_49(int value) {
    return value + 49;
}

int step_50(int value) {
    return value + 50;
}

int step_51(int value) {
    return value + 51;
}

int step_52(int value) {
    return value + 52;
}

int step_53(int value) {
    return value + 53;
}

int step_54(int value) {
    return value + 54;
}

int step_55(int value) {
    return value + 55;
}

int step_56(int value) {
    return value + 56;
}

int step_57(int value) {
    return value + 57;
}

int step_58(int value) {
    return value + 58;
}

int step_59(int value) {
    return value + 59;
}

int step_60(int value) {
    return value + 60;
}

int step_61(int value) {
    return value + 61;
}

int step_62(int value) {
    return value + 62;
}

int step_63(int value) {
    return value + 63;
}

int step_64(int value) {
    return value + 64;
}

int step_65(int value) {
    return value + 65;
}

int step_66(int value) {
    return value + 66;
}

int step_67(int value) {
    return value + 67;
}

int step_68(int value) {
    return value + 68;
}

int step_69(int value) {
    return value + 69;
}

int step_70(int value) {
    return value + 70;
}

int step_71(int value) {
    return value + 71;
}

int step_72(int value) {
    return value + 72;
}

int step_73(int value) {
    return value + 73;
}

int step_74(int value) {
    return value + 74;
}

int step_75(int value) {
    return value + 75;
}

int step_76(int value) {
    return value + 76;
}

int step_77(int value) {
    return value + 77;
}

int step_78(int value) {
    return value + 78;
}

int step_79(int value) {
    return value + 79;
}

int step_80(int value) {
    return value + 80;
}

int step_81(int value) {
    return value + 81;
}

int step_82(int value) {
    return value + 82;
}

int step_83(int value) {
    return value + 83;
}

int step_84(int value) {
    return value + 84;
}

int step_85(int value) {
    return value + 85;
}

int step_86(int value) {
    return value + 86;
}

int step_87(int value) {
    return value + 87;
}

int step_88(int value) {
    return value + 88;
}

int step_89(int value) {
    return value + 89;
}

int step_90(int value) {
    return value + 90;
}

int step_91(int value) {
    return value + 91;
}

int step_92(int value) {
    return value + 92;
}

int step_93(int value) {
    return value + 93;
}

int step_94(int value) {
    return value + 94;
}

int step_95(int value) {
    return value + 95;
}

int step_96(int value) {
    return value + 96;
}

int step_97(int value) {
    return value + 97;
}

int step_98(int value) {
    return value + 98;
}

int step_99(int value) {
    return value + 99;
}

int step_100(int value) {
    return value + 100;
}

int step_101(int value) {
    return value + 101;
}

int step_102(int value) {
    return value + 102;
}

int step_103(int value) {
    return value + 103;
}

int step_104(int value) {
    return value + 104;
}

int step_105(int value) {
    return value + 105;
}

int step_106(int value) {
    return value + 106;
}

int step_107(int value) {
    return value + 107;
}

int step_108(int value) {
    return value + 108;
}

int step_109(int value) {
    return value + 109;
}

int step_110(int value) {
    return value + 110;
}

int step_111(int value) {
    return value + 111;
}

int step_112(int value) {
    return value + 112;
}

int step_113(int value) {
    return value + 113;
}

int step_114(int value) {
    return value + 114;
}

int step_115(int value) {
    return value + 115;
}

int step_116(int value) {
    return value + 116;
}

int step_117(int value) {
    return value + 117;
}

int step_118(int value) {
    return value + 118;
}

int step_119(int value) {
    return value + 119;
}

int step_120(int value) {
    return value + 120;
}

int step_121(int value) {
    return value + 121;
}

int step_122(int value) {
    return value + 122;
}

int step_123(int value) {
    return value + 123;
}

int step_124(int value) {
    return value + 124;
}

int step_125(int value) {
    return value + 125;
}

int step_126(int value) {
    return value + 126;
}

int step_127(int value) {
    return value + 127;
}

int step_128(int value) {
    return value + 128;
}

int step_129(int value) {
    return value + 129;
}

int step_130(int value) {
    return value + 130;
}

int step_131(int value) {
    return value + 131;
}

int step_132(int value) {
    return value + 132;
}

int step_133(int value) {
    return value + 133;
}

int step_134(int value) {
    return value + 134;
}

int step_135(int value) {
    return value + 135;
}

int step_136(int value) {
    return value + 136;
}

int step_137(int value) {
    return value + 137;
}

int step_138(int value) {
    return value + 138;
}

int step_139(int value) {
    return value + 139;
}

int step_140(int value) {
    return value + 140;
}

int step_141(int value) {
    return value + 141;
}

int step_142(int value) {
    return value + 142;
}

int step_143(int value) {
    return value + 143;
}

int step_144(int value) {
    return value + 144;
}

int step_145(int value) {
    return value + 145;
}

int step_146(int value) {
    return value + 146;
}

int step_147(int value) {
    return value + 147;
}

int step_148(int value) {
    return value + 148;
}

int step_149(int value) {
    return value + 149;
}

void app_main(void) {}
