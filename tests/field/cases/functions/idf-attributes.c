#include "esp_attr.h"

typedef struct __attribute__((packed)) {
    uint8_t kind;
    uint16_t length;
} frame_t;

static const frame_t s_empty = {
    .kind = 0,
};

static void IRAM_ATTR on_edge(void *arg)
{
    frame_t *frame = (frame_t *)arg;
    frame->length++;
}

__attribute__((noinline)) esp_err_t frame_take(frame_t *frame,
                                               int wait)
{
    return wait ? ESP_OK : ESP_FAIL;
}

esp_err_t frame_later(void);

TEST_CASE("a frame is taken", "[frame]")
{
    frame_take(NULL, 1);
}
