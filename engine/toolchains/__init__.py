"""Toolchains turn a source tree into an image, behind one protocol."""
