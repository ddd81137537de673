void name(char *out, size_t room) {
    snprintf(out, room, CONFIG_TOPIC_FORMAT, id);
    snprintf(out, room, MOUNT_POINT "/%d.txt", id);
    snprintf(path, sizeof(path), MNT_PATH "%d/data/log.txt", slot);
}
