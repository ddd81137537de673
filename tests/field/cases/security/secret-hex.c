static const char *app_key = "8f1e63a94bd2705ce9f04d17b836ac52";
