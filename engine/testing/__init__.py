"""Tests of firmware: Unity, the scripts of ``espdeck.toml``, and their results."""
