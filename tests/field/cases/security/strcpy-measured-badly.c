void logged(const char *topic) { char b[32]; size_t n = strlen(topic); ESP_LOGI(TAG, "%d", (int)n); strcpy(b, topic); use(b); }
void off_by_one(const char *topic) { char b[32]; if (strlen(topic) <= sizeof b) strcpy(b, topic); use(b); }
char *no_end(const char *topic) { char *b = malloc(strlen(topic)); strcpy(b, topic); return b; }
void counted(const char *topic) { char b[32]; total += strlen(topic); strcpy(b, topic); use(b, total); }
void other_test(const char *s) { char b[32]; int n = strlen(s); if (level > 1) puts(s); strcpy(b, s); use(b, n); }
void walked(const char *s) { char b[32]; for (int i = 0; i < strlen(s); i++) check(s[i]); strcpy(b, s); use(b); }
void not_empty(const char *s) { char b[32]; if (strlen(s) > 0) strcpy(b, s); use(b); }
void empty(const char *s) { char b[32]; if (strlen(s) == 0) return; strcpy(b, s); use(b); }
void too_short(const char *s) { char b[32]; if (strlen(s) < 8) return; strcpy(b, s); use(b); }
void too_much(const char *s) { char b[8]; if (strlen(s) < 64) strcpy(b, s); use(b); }
void one_too_many(const char *s) { char b[8]; if (strlen(s) > 8) return; strcpy(b, s); use(b); }
void no_end_kept(const char *s) { char b[32]; size_t n = strlen(s); if (n > sizeof(b)) return; strcpy(b, s); use(b); }
void of_another(const char *s, const char *t) { char b[32]; if (strlen(t) < sizeof b) strcpy(b, s); use(b); }
char *no_end_later(const char *s) { size_t n = strlen(s); char *b = malloc(n); strcpy(b, s); return b; }
