#define TOPIC_LEN 32
char base[TOPIC_LEN + 1];
void topics() {
  char topic[64];
  char uid[40];
  char small[20];
  sprintf(topic, "%s/dht", base);
  sprintf(topic, "%s/switch/%d/set", base, 3);
  sprintf(small, "%s/dht", base);
  char name[40];
  sprintf(name, "%s_%02x", base, byte);
}
