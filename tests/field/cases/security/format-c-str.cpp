void Output::write(float state) {
  char tmp[10];
  sprintf(tmp, this->set_command_.c_str(), state);
  snprintf(data, sizeof(data), this->format_.c_str(), value());
}
