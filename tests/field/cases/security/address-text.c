static char mine[IP4ADDR_STRLEN_MAX];
void got(const ip4_addr_t *ip) { strcpy(mine, ip != NULL ? ip4addr_ntoa(ip) : "0.0.0.0"); }
void from(struct sockaddr_in *peer) { char ip[16]; strcpy(ip, inet_ntoa(peer->sin_addr)); use(ip); }
void host(struct sockaddr_in *peer) { char line[32]; sprintf(line, "%s:%hu", inet_ntoa(peer->sin_addr), 80); use(line); }
void small(struct sockaddr_in *peer) { char ip[12]; strcpy(ip, inet_ntoa(peer->sin_addr)); use(ip); }
void either(const ip4_addr_t *ip, const char *name) { strcpy(mine, ip ? ip4addr_ntoa(ip) : name); }
