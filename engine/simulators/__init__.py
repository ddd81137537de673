"""Simulators run an image without a board, behind one protocol."""
