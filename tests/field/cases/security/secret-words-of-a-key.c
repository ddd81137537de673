bool is_key(const char *text) {
    return strstr(text, "-----BEGIN PRI·VATE KEY-----") != NULL;
}
/* -----BEGIN RSA PRI·VATE KEY----- ... -----END RSA PRI·VATE KEY----- */
