static const char *id = "AK·IAQX7RVD2MKZT9WHPL";
static const char *token = "gh·p_Zq8Lw2Xv9Tn4Rk7Yb1Mc6Hd3Jf5Gs0Pa8Ke2";
