"""Reads of a screen that follow news: never two of a kind at once, and none is missed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from tui.screens.base import MainScreen

T = TypeVar("T")


class Reload(Generic[T]):
    """Reads something in a thread; when it is asked for meanwhile, once more after that.

    A read that fails says so on the screen, and shows nothing.
    """

    def __init__(
        self,
        screen: MainScreen,
        prepare: Callable[[], Callable[[], T] | None],
        show: Callable[[T], object],
    ) -> None:
        """Know what is read.

        Args:
            screen: whose threads read.
            prepare: called on the event loop; gives what reads, None for nothing to read.
            show: gets what was read, on the event loop.
        """
        self._screen = screen
        self._prepare = prepare
        self._show = show
        self._is_reading = self._is_stale = False

    @property
    def is_reading(self) -> bool:
        """Whether it reads, and has not shown yet what it found."""
        return self._is_reading

    def start(self) -> None:
        """Read, now or when the read of now has ended."""
        if self._is_reading:
            self._is_stale = True
            return
        work = self._prepare()
        if work is None:
            return
        self._is_reading = True

        def read() -> T:
            try:
                return work()
            except BaseException:
                self._screen.call_later(self._ended)
                raise

        def show(found: T) -> None:
            self._show(found)
            self._ended()

        self._screen.in_thread(read, show)

    def _ended(self) -> None:
        """Read what was asked for while the last read went on."""
        self._is_reading = False
        if self._is_stale:
            self._is_stale = False
            self.start()
