const char page[] PROGMEM = R"=====(
<script>function f() { if (a) { b(")"); }</script>
)=====";

void setup() {
  Serial.begin(115200);
}

void loop()
{
}
