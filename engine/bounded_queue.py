"""A bounded queue between a thread that never waits and one reader who may be slow."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class BoundedQueue(Generic[Item]):
    """What waits for one reader; where too much does, the oldest is dropped and counted.

    Args:
        limit: how much may wait, in what ``size_of`` counts.
        size_of: how much an item counts, at least 1.
        on_ready: called when something waits or the queue was closed, by the thread that put it
            there; once until the next :meth:`take`. It must not wait.
    """

    def __init__(
        self, limit: int, size_of: Callable[[Item], int], on_ready: Callable[[], None]
    ) -> None:
        self._limit = limit
        self._size_of = size_of
        self._on_ready = on_ready
        self._lock = threading.Lock()
        self._items: deque[Item] = deque()
        self._size = 0
        self._dropped = 0
        self._closed = False
        self._told = False

    def put(self, item: Item) -> None:
        """Add an item; never waits. Nothing is added once the queue is closed."""
        with self._lock:
            if self._closed:
                return
            self._items.append(item)
            self._size += self._size_of(item)
            while self._size > self._limit and len(self._items) > 1:
                self._size -= self._size_of(self._items.popleft())
                self._dropped += 1
            told, self._told = self._told, True
        if not told:
            self._on_ready()

    def close(self) -> None:
        """Nothing more comes; what waits can still be taken."""
        with self._lock:
            self._closed = True
            told, self._told = self._told, True
        if not told:
            self._on_ready()

    @property
    def is_over(self) -> bool:
        """Whether all was taken and nothing more comes."""
        with self._lock:
            return self._closed and not self._items

    def take(self) -> tuple[list[Item], int]:
        """Everything that waits, and how many items were dropped before the first of it."""
        with self._lock:
            items, self._items, self._size = list(self._items), deque(), 0
            dropped, self._dropped = self._dropped, 0
            self._told = False
        return items, dropped
