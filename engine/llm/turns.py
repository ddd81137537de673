"""Turns at a server of models: how many questions it is asked at the same time, first come first.

They are counted over everything that this process runs, by the server's address: most servers
answer one question after the other, and the time that one waits there would count as silence.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator

from engine.cancel import CancelToken


class Turns:
    """The turns at one server; every method may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asking = 0
        self._waiting: deque[object] = deque()

    @contextlib.contextmanager
    def turn(
        self, most: int, cancel: CancelToken, on_wait: Callable[[int], None]
    ) -> Iterator[None]:
        """Wait for a turn, and have it for the block.

        Args:
            most: turns at the same time, as the settings say now.
            cancel: ends the waiting.
            on_wait: told how many questions are before this one, at first and when that changes.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says.
        """
        forget = cancel.on_stop(self._wake)
        try:
            self._take(most, cancel, on_wait)
        finally:
            forget()
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._changed.notify_all()

    def _take(self, most: int, cancel: CancelToken, on_wait: Callable[[int], None]) -> None:
        me, told = object(), 0
        with self._changed:
            self._waiting.append(me)
        try:
            while True:
                with self._changed:
                    cancel.check()
                    if self._waiting[0] is me and self._asking < most:
                        self._asking += 1
                        return
                    before = self._asking + self._waiting.index(me)
                    if before == told:
                        self._changed.wait()
                        continue
                told = before
                on_wait(before)
        finally:
            with self._changed:
                self._waiting.remove(me)
                self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


_lock = threading.Lock()
_servers: defaultdict[str, Turns] = defaultdict(Turns)


def turns_at(url: str) -> Turns:
    """The turns at the server with this address; the same for the life of the process."""
    with _lock:
        return _servers[url]
