"""Plugins of pytest; each is loaded by its name, from this folder."""
