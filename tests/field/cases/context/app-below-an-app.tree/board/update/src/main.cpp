void setup() { update(); }
void loop() {}
