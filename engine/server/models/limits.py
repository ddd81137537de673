"""Limits of what callers send, for routes and for the client, which has no FastAPI."""

from __future__ import annotations

MAX_NUMBER = 10**18 - 1
"""What the store can count to."""
