"""When ``espdeck monitor`` ends by itself, and with which exit code."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from engine import CancelToken
from tui.cli.exit_codes import BOARD_LOST, FAILED, INTERRUPTED, OUTPUT_CLOSED, SUCCESS

BACK_SECONDS = 30.0
"""Seconds that a board may be away where a script waits: as long as a build waits for it."""


class Reason(Enum):
    """Why a console is watched no more."""

    QUIT = auto()
    MATCHED = auto()
    TIME = auto()
    LOST = auto()
    NO_READER = auto()


class MonitorEnd:
    """Ends the watching for the first of some reasons. From any thread.

    Args:
        cancel: ends the watching.
        until: pattern of a line that ends it; None for none.
        seconds: how long it may last; None for ever.
    """

    def __init__(self, cancel: CancelToken, *, until: Any = None, seconds: float | None) -> None:
        self._cancel = cancel
        self._until = until
        self._seconds = seconds
        self._lock = threading.Lock()
        self._reason: Reason | None = None
        self.was_there = False
        """Whether the board was read."""

        self._is_there = False
        self._away: threading.Timer | None = None

    @contextlib.contextmanager
    def watching(self, descriptor: int) -> Iterator[None]:
        """Let time pass, and look whether what reads our output is still there, in the block.

        Args:
            descriptor: of the output.
        """
        clock = _timer(self._seconds, self._time_is_up) if self._seconds is not None else None
        threading.Thread(
            target=self._wait_for_reader_to_go, args=(descriptor,), name="reader-gone", daemon=True
        ).start()
        try:
            yield
        finally:
            for timer in (clock, self._away):
                if timer is not None:
                    timer.cancel()

    def end(self, reason: Reason) -> None:
        """End it, unless it ended before."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
        # Not in this thread: who reads the board or prints must not wait for its own end.
        threading.Thread(target=self._cancel.cancel, daemon=True).start()

    def look_at(self, line: str) -> None:
        """Take a line of the board, whole or a prompt."""
        if self._until is not None and self._until.search(line) is not None:
            self.end(Reason.MATCHED)

    def tell_presence(self, is_there: bool) -> None:
        """Take that the board is read, or vanished."""
        with self._lock:
            self._is_there = is_there
            self.was_there |= is_there
            if self._away is not None:
                self._away.cancel()
            waits = self._until is not None or self._seconds is not None
            self._away = None
            if waits and not is_there:
                self._away = _timer(BACK_SECONDS, lambda: self.end(Reason.LOST))

    @property
    def reader_has_gone(self) -> bool:
        """Whether nobody reads our output any more."""
        return self._reason is Reason.NO_READER

    def code(self) -> int:
        """The exit code."""
        match self._reason:
            case Reason.MATCHED:
                return SUCCESS
            case Reason.LOST:
                return BOARD_LOST
            case Reason.NO_READER:
                return OUTPUT_CLOSED
            case Reason.TIME:
                return SUCCESS if self._until is None else FAILED
            case _:
                return SUCCESS if self._until is None else INTERRUPTED

    def why(self, board: str) -> str:
        """Why it ended, for people; empty where they know."""
        match self._reason:
            case Reason.LOST if not self.was_there:
                return f"{board}: not to be had within {self._seconds or 0:g} s"
            case Reason.LOST:
                return f"{board}: the board vanished and did not come back"
            case Reason.TIME if self._until is not None:
                return f"{board}: no line matched within {self._seconds or 0:g} s"
            case _:
                return ""

    def _time_is_up(self) -> None:
        self.end(Reason.TIME if self._is_there else Reason.LOST)

    def _wait_for_reader_to_go(self, descriptor: int) -> None:
        poll = select.poll()
        poll.register(descriptor, 0)  # errors are always told: no reader is one (poll(2))
        with contextlib.suppress(OSError):
            if any(told & (select.POLLERR | select.POLLHUP) for _, told in poll.poll()):
                self.end(Reason.NO_READER)


def forget_output(descriptor: int) -> None:
    """Have what is still written to an output that nobody reads go nowhere, without an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _timer(seconds: float, work: Any) -> threading.Timer:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()
    return timer
