"""The end of a log in memory, bounded; further back it is read from the store."""

from __future__ import annotations

from collections import deque

MAX_LINES = 2000
MAX_BYTES = 256 << 10
"""What one log keeps in memory; a build has some ten logs."""


class LogTail:
    """The newest lines of one log. One writer and one reader: the screen's thread."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._bytes = 0
        self.first = 0
        """Number of the oldest line in memory."""

        self.missed = 0
        """Lines that never came: the screen could not take them all. The store has them."""

        self.version = 0
        """Changes when lines come."""

        self._begun = False

    @property
    def end(self) -> int:
        """Number of the next line: how many the log has."""
        return self.first + len(self._lines)

    def extend(self, first_line: int, lines: list[str]) -> None:
        """Take lines that begin at a number; what is there already is passed over."""
        known = self.end - self._begun - first_line
        if known >= len(lines):
            return
        self._forget_begun()
        if known > 0:
            lines = lines[known:]
        elif known < 0:
            # A gap: forget what is before it, so that numbers stay right.
            self.missed += -known if self._lines else 0
            self._lines.clear()
            self._bytes = 0
            self.first = first_line
        if len(lines) > MAX_LINES:
            self.first = self.end + len(lines) - MAX_LINES
            self._lines.clear()
            self._bytes = 0
            lines = lines[-MAX_LINES:]
        self._lines.extend(lines)
        self._bytes += sum(map(len, lines))
        self._forget_oldest()
        self.version += 1

    def begin(self, number: int, text: str) -> None:
        """The next line has no end yet; as often as it grows, until it comes whole."""
        self._forget_begun()
        if number == self.end:
            self._lines.append(text)
            self._bytes += len(text)
            self._begun = True
        self.version += 1

    def amend(self, line: str) -> None:
        """The newest line has become longer."""
        self._bytes += len(line) - len(self._lines[-1])
        self._lines[-1] = line
        self.version += 1

    def _forget_oldest(self) -> None:
        while len(self._lines) > MAX_LINES or self._bytes > MAX_BYTES:
            self._bytes -= len(self._lines.popleft())
            self.first += 1

    def _forget_begun(self) -> None:
        if self._begun:
            self._bytes -= len(self._lines.pop())
            self._begun = False

    def get(self, number: int) -> str | None:
        """A line by its number, None when it is not in memory."""
        index = number - self.first
        return self._lines[index] if 0 <= index < len(self._lines) else None
