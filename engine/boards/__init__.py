"""Boards: flashing with esptool, monitoring with pyserial, decoding panics, the virtual board."""
