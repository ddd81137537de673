void Node::show(const uint8_t *mac) {
  char id[18];
  snprintf(id, sizeof(id), MACSTR, MAC2STR(mac));
  std::snprintf(id, sizeof(id), "%08" PRIx32 "%" PRIu64, high, low);
  sprintf(this->id_, "%" PRIu32, this->count_);
}
