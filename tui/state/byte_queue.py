"""Bytes of a console between the thread that reads it and the one that shows it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """What came at once, and when (UTC); ``note`` is a note of espdeck's instead of bytes."""

    at: datetime
    data: bytes
    note: str = ""


class Backlog:
    """One thread reads a console and puts; one shows and takes; the reader never waits.

    Bounded: when a slow terminal lets too much wait, the oldest is left out of what is shown and
    its lines are counted. The session on disk has all of it.
    """

    def __init__(self, limit: int) -> None:
        """Make an empty one.

        Args:
            limit: bytes that may wait.
        """
        self._limit = limit
        self._changed = threading.Condition()
        self._pieces: deque[Piece] = deque()
        self._size = 0
        self._skipped = 0
        self._closed = False

    def put(self, data: bytes) -> None:
        """Take bytes that came now."""
        self._put(Piece(datetime.now(UTC), data))

    def note(self, text: str) -> None:
        """Take a note, in its place between what the board says."""
        self._put(Piece(datetime.now(UTC), b"", text))

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether all was taken and nothing more comes."""
        with self._changed:
            return self._closed and not self._pieces

    @property
    def waiting(self) -> int:
        """Lines that wait or were left out."""
        with self._changed:
            return self._skipped + sum(piece.data.count(b"\n") for piece in self._pieces)

    def take(self, timeout: float = 0.0) -> tuple[list[Piece], int]:
        """Everything that waits, and how many lines were left out before it.

        Args:
            timeout: seconds to wait for something.
        """
        with self._changed:
            if timeout:
                self._changed.wait_for(lambda: self._pieces or self._closed, timeout)
            pieces, self._pieces, self._size = list(self._pieces), deque(), 0
            skipped, self._skipped = self._skipped, 0
        return pieces, skipped

    def _put(self, piece: Piece) -> None:
        with self._changed:
            self._pieces.append(piece)
            self._size += len(piece.data)
            while self._size > self._limit:
                gone = self._pieces.popleft()
                self._size -= len(gone.data)
                self._skipped += gone.data.count(b"\n")
            self._changed.notify_all()
