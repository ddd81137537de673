"""Hints for well-known build errors, as data."""
