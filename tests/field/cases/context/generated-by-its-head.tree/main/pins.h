// DO NOT EDIT BELOW THIS LINE unless the board changes
#define PIN 4
