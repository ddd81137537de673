#define TOPIC_LEN 32
char deviceTopic[TOPIC_LEN + 1];
struct wifi { char ssid[33]; char pass[65]; };
void name(wifi *w, int i) {
  char topic[TOPIC_LEN + 16];
  strcpy(topic, deviceTopic);
  char ssid[33]; strcpy(ssid, nets[i].ssid);
  char small[16]; strcpy(small, w->pass);
}
