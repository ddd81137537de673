"""Source files that are only in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class MemoryFiles:
    """Files by their path; each has its text."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    @property
    def names(self) -> Sequence[str]:
        return sorted(self._texts)

    def text(self, name: str) -> str:
        return self._texts.get(name, "")
