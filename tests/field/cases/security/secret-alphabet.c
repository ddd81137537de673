static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char digits[] = "0123456789abcdefABCDEF";
static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
