#include <WiFi.h>
#include <WebServer.h>

WebServer server(80);

const char page[] PROGMEM = R"rawliteral(
<html><script>
function go() { if (1) { alert("{"); }
</script></html>
)rawliteral";

void handleRoot() {
  server.send(200, "text/html", page);
}

void handleZone0() {
  digitalWrite(0, HIGH);
  delay(0 * 10);
  server.send(200, "text/plain", "zone 0");
}

void handleZone1() {
  digitalWrite(1, HIGH);
  delay(1 * 10);
  server.send(200, "text/plain", "zone 1");
}

void handleZone2() {
  digitalWrite(2, HIGH);
  delay(2 * 10);
  server.send(200, "text/plain", "zone 2");
}

void handleZone3() {
  digitalWrite(3, HIGH);
  delay(3 * 10);
  server.send(200, "text/plain", "zone 3");
}

void handleZone4() {
  digitalWrite(4, HIGH);
  delay(4 * 10);
  server.send(200, "text/plain", "zone 4");
}

void handleZone5() {
  digitalWrite(5, HIGH);
  delay(5 * 10);
  server.send(200, "text/plain", "zone 5");
}

void handleZone6() {
  digitalWrite(6, HIGH);
  delay(6 * 10);
  server.send(200, "text/plain", "zone 6");
}

void handleZone7() {
  digitalWrite(7, HIGH);
  delay(7 * 10);
  server.send(200, "text/plain", "zone 7");
}

void handleZone8() {
  digitalWrite(8, HIGH);
  delay(8 * 10);
  server.send(200, "text/plain", "zone 8");
}

void handleZone9() {
  digitalWrite(9, HIGH);
  delay(9 * 10);
  server.send(200, "text/plain", "zone 9");
}

void handleZone10() {
  digitalWrite(10, HIGH);
  delay(10 * 10);
  server.send(200, "text/plain", "zone 10");
}

void handleZone11() {
  digitalWrite(11, HIGH);
  delay(11 * 10);
  server.send(200, "text/plain", "zone 11");
}

void handleZone12() {
  digitalWrite(12, HIGH);
  delay(12 * 10);
  server.send(200, "text/plain", "zone 12");
}

void handleZone13() {
  digitalWrite(13, HIGH);
  delay(13 * 10);
  server.send(200, "text/plain", "zone 13");
}

void handleZone14() {
  digitalWrite(14, HIGH);
  delay(14 * 10);
  server.send(200, "text/plain", "zone 14");
}

void handleZone15() {
  digitalWrite(15, HIGH);
  delay(15 * 10);
  server.send(200, "text/plain", "zone 15");
}

void handleZone16() {
  digitalWrite(16, HIGH);
  delay(16 * 10);
  server.send(200, "text/plain", "zone 16");
}

void handleZone17() {
  digitalWrite(17, HIGH);
  delay(17 * 10);
  server.send(200, "text/plain", "zone 17");
}

void handleZone18() {
  digitalWrite(18, HIGH);
  delay(18 * 10);
  server.send(200, "text/plain", "zone 18");
}

void handleZone19() {
  digitalWrite(19, HIGH);
  delay(19 * 10);
  server.send(200, "text/plain", "zone 19");
}

void handleZone20() {
  digitalWrite(20, HIGH);
  delay(20 * 10);
  server.send(200, "text/plain", "zone 20");
}

void handleZone21() {
  digitalWrite(21, HIGH);
  delay(21 * 10);
  server.send(200, "text/plain", "zone 21");
}

void handleZone22() {
  digitalWrite(22, HIGH);
  delay(22 * 10);
  server.send(200, "text/plain", "zone 22");
}

void handleZone23() {
  digitalWrite(23, HIGH);
  delay(23 * 10);
  server.send(200, "text/plain", "zone 23");
}

void setup() {
  WiFi.begin("lab", "");
  server.on("/", handleRoot);
  server.begin();
}

void loop() {
  server.handleClient();
}
