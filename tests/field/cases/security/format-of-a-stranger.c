void handle(httpd_req_t *req, char *body) {
    printf(body);
    snprintf(out, sizeof(out), body);
    fprintf(file, settings->format, 3);
    syslog(LOG_INFO, body);
}
