#include "pages.h"
#define TAIL "</body>%s"
void page(char *out, size_t room) {
    snprintf(out, room, PAGE_HEAD, name);
    snprintf(out, room, TAIL, name);
    snprintf(out, room, page_row, name);
}
