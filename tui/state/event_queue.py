"""Events between the threads that publish them and the one that shows them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from engine.events import Event, Log, Partial


class Inbox:
    """Any thread puts, one takes; nobody waits for the other.

    Bounded by the text of logs: when a flood comes faster than it is taken, the oldest text is
    left out and counted. The store has all of it.
    """

    def __init__(self, limit: int, came: Callable[[], None] = lambda: None) -> None:
        """Make an empty inbox.

        Args:
            limit: characters of log text that may wait.
            came: called by the thread that puts an event where there was none.
        """
        self._limit = limit
        self._came = came
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._size = 0
        self._skipped = 0

    def put(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            is_first = not self._events
            self._events.append(event)
            if isinstance(event, Log | Partial):
                self._size += len(event.text)
                if self._size > self._limit:
                    self._drop_oldest()
        if is_first:
            self._came()

    def take(self) -> tuple[list[Event], int]:
        """Everything that came since the last call, and how many lines of logs were left out."""
        with self._lock:
            events, self._events, self._size = self._events, deque(), 0
            skipped, self._skipped = self._skipped, 0
        return list(events), skipped

    def _drop_oldest(self) -> None:
        # Down to a half, so that a flood does not come here with every event.
        kept: deque[Event] = deque()
        for event in self._events:
            if isinstance(event, Log | Partial) and self._size > self._limit // 2:
                self._size -= len(event.text)
                self._skipped += event.text.count("\n")
            else:
                kept.append(event)
        self._events = kept
