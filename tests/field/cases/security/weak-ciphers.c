void seal(void) {
    EVP_EncryptInit(ctx, EVP_des_ecb(), key, iv);
    crypt(password, salt);
    getpw(uid, buf);
}
