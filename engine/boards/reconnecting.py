"""Doing something again on a board that vanished and came back, or that another program had."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.boards import ports
from engine.cancel import CancelToken
from engine.errors import BoardBusyError, BoardError, BoardGoneError, BoardSilentError

REPLUG_POLL_SECONDS = 0.1
"""Seconds between two looks for a board that vanished."""

RETRIES = 3
"""How often something is done again on a board that vanished and came back."""

BACK_SECONDS = 30.0
"""How long a board that vanished may be away."""

BUSY_AGAIN = 1.0
"""Seconds between two tries of a port that another program has: each starts a process."""

BUSY_SECONDS = 60.0
"""How long another program may have the port, where what is done has no time limit of its own."""

T = TypeVar("T")


class Again:
    """Does things on one board, again where that helps."""

    def __init__(
        self,
        *,
        url: Callable[[], str],
        power_cycle: Callable[[], None] | None,
        cancel: CancelToken,
        say: Callable[[str], None],
    ) -> None:
        """Know the board.

        Args:
            url: what is opened for it now; raises BoardError where it is not there.
            power_cycle: switches it off and on; None where nothing can.
            cancel: ends the waiting.
            say: called with lines for people: what is waited for.
        """
        self.is_here = False
        """Whether it was there when it was last used; nothing is asked for that."""

        self._url = url
        self._power_cycle = power_cycle
        self._cancel = cancel
        self._say = say

    def __call__(
        self,
        attempt: Callable[[], T],
        *,
        patience: float | None = None,
        tries: float = RETRIES,
        busy: float | None = None,
    ) -> T:
        """Do something, and do it again when the board came back or was given back.

        Args:
            attempt: raises BoardGoneError when the board was there and vanished, BoardBusyError
                when another program has its port.
            patience: seconds that it may be away; None for :data:`BACK_SECONDS`.
            tries: how often it may vanish.
            busy: seconds that another program may have it; None for :data:`BUSY_SECONDS`.
        """
        patience = BACK_SECONDS if patience is None else patience
        gone_at, times, cycled = None, 0, False
        waits = _BusyWait(BUSY_SECONDS if busy is None else busy, self._cancel, self._say)
        while True:
            try:
                done = attempt()
            except BoardBusyError as error:
                waits.for_another(error)
                continue
            except BoardSilentError as error:
                if gone_at is None and self._power_cycle is not None and not cycled:
                    self._say(f"{error}; switching it off and on")
                    self._power_cycle()
                    cycled = True
                    continue
                problem: BoardError = error
            except BoardError as error:
                problem = error
            else:
                self.is_here = True
                return done
            if isinstance(problem, BoardGoneError):
                times += 1
                gone_at = time.monotonic()
                limit = f" up to {patience:g} s" if math.isfinite(patience) else ""
                self._say(f"{problem}; waiting{limit} for it")
            elif gone_at is None:
                raise problem
            if times > tries:
                raise BoardGoneError(f"{problem} (vanished {times} times)") from problem
            if time.monotonic() - gone_at > patience:
                raise BoardGoneError(f"{problem} (it did not come back)") from problem
            self._wait_until_back(gone_at + patience - time.monotonic())

    def _wait_until_back(self, seconds: float) -> None:
        """Wait until a board that vanished may be there again, or that many seconds.

        A device is seen when it comes; what is behind a URL is only known by opening it.

        Raises:
            CancelledError, Interrupted: as the token says.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._cancel.wait(REPLUG_POLL_SECONDS)
            with contextlib.suppress(BoardError):
                url = self._url()
                if ports.is_url(url) or Path(url).exists():
                    return


class _BusyWait:
    """Waits for other programs, for some time in all."""

    def __init__(self, seconds: float, cancel: CancelToken, say: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._cancel = cancel
        self._say = say
        self._deadline: float | None = None
        self._told = ""

    def for_another(self, error: BoardBusyError) -> None:
        """Wait a little for the program that an error tells of.

        Raises:
            BoardBusyError: it had the port for too long.
            CancelledError, Interrupted: as the token says.
        """
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise BoardBusyError(f"{error} (waited {self._seconds:g} s for it)") from error
        if str(error) != self._told:
            self._told = str(error)
            self._say(f"{error}; waiting for it")
        self._cancel.wait(min(BUSY_AGAIN, left))
