#include "console.h"

int main(void) {
    console_put("ready");
    return 0;
}
