"""Readers of file formats of others, within bounds: ELF, TOML, XML."""
