"""Sizes: what of a firmware takes how much of which memory, and what changed since."""
