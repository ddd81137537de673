"""Reads that follow news: one at a time, and none is missed, also where one fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from engine.errors import EspdeckError
from tui.screens.base import MainScreen
from tui.screens.reload import Reload


class Threads:
    """A screen whose threads run when they are told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.errors: list[str] = []
        self._later: list[Callable[[], None]] = []

    def in_thread(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        def run() -> None:
            try:
                found = work()
            except EspdeckError as error:
                self.errors.append(str(error))
            else:
                then(found)

        self.waiting.append(run)

    def call_later(self, callback: Callable[[], None]) -> None:
        self._later.append(callback)

    def run(self) -> None:
        """Run what waits, then what that left for later."""
        self.waiting.pop(0)()
        for callback in self._later:
            callback()
        self._later.clear()


def test_what_is_asked_for_during_a_read_is_read_once_more() -> None:
    threads, shown = Threads(), list[int]()
    reload = Reload(cast("MainScreen", threads), lambda: lambda: len(shown), shown.append)

    reload.start()
    reload.start()
    reload.start()
    threads.run()
    threads.run()

    assert shown == [0, 1]
    assert not threads.waiting


def test_what_is_asked_for_during_a_read_that_fails_is_read_all_the_same() -> None:
    threads, shown = Threads(), list[str]()
    reads: list[str] = []

    def read() -> str:
        reads.append("read")
        if len(reads) == 1:
            raise EspdeckError("the database is locked")
        return "found"

    reload = Reload(cast("MainScreen", threads), lambda: read, shown.append)

    reload.start()
    reload.start()
    threads.run()
    threads.run()

    assert (threads.errors, shown) == (["the database is locked"], ["found"])
    assert not threads.waiting
