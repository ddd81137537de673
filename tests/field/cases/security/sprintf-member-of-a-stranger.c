struct station { char host[16]; };
void local(event_t *event) { char topic[64]; sprintf(topic, "%s", event->topic); use(topic); }
void member(struct station *station) { char line[64]; sprintf(line, "%s", station->host); use(line); }
