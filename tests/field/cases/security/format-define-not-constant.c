#define CURRENT_FORMAT format_of(settings)
#define OTHER other_format
void show(int n) {
    printf(CURRENT_FORMAT, n);
    printf(OTHER, n);
}
