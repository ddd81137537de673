"""Takes an API key out of a text that comes in pieces: some servers repeat what they are sent."""

from __future__ import annotations

MASK = "***"


class KeyMask:
    """Masks a key in a stream of pieces, also where it is cut between two of them.

    Args:
        key: what is masked; empty for nothing.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be told after another piece; what may be the key's beginning is held back."""
        if not self._key:
            return piece
        text = (self._held + piece).replace(self._key, MASK)
        longest = min(len(self._key) - 1, len(text))
        held = next((n for n in range(longest, 0, -1) if text.endswith(self._key[:n])), 0)
        told = text[: len(text) - held]
        self._held = text[len(told) :]
        return told

    def rest(self) -> str:
        """What was held back, when nothing more comes."""
        held, self._held = self._held, ""
        return held
