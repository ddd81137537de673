"""Doing something again on a board that vanished and came back, or that another program had."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.boards import ports
from engine.boards.board_port import BoardPort
from engine.boards.capabilities import Power
from engine.errors import BoardBusyError, BoardError, BoardGoneError, BoardSilentError

REPLUG_POLL_SECONDS = 0.1
"""Seconds between two looks for a board that vanished."""

RETRIES = 3
"""How often something is done again on a board that vanished and came back."""

BACK_SECONDS = 30.0
"""How long a board that vanished may be away."""

BUSY_POLL_SECONDS = 1.0
"""Seconds between two tries of a port that another program has: each starts a process."""

BUSY_SECONDS = 60.0
"""How long another program may have the port, where what is done has no time limit of its own."""

T = TypeVar("T")


class Reconnector:
    """Does things on one board, again where that helps."""

    def __init__(self, port: BoardPort, power: Power) -> None:
        """Know the board.

        Args:
            port: where it is looked for; its token ends the waiting, its notes tell of it.
            power: switched off and on for a board that does not answer, where that is possible.
        """
        self.was_reached = False
        """Whether the board was there when it was last used; nothing is asked for that."""

        self._port = port
        self._power = power

    def run(
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

        Raises:
            BoardError: as ``attempt`` does, where doing it again does not help.
            CancelledError, Interrupted: as the session's token says.
        """
        patience = BACK_SECONDS if patience is None else patience
        gone_at, times, cycled = None, 0, False
        waits = _BusyWait(BUSY_SECONDS if busy is None else busy, self._port)
        while True:
            try:
                done = attempt()
            except BoardBusyError as error:
                waits.for_another(error)
                continue
            except BoardSilentError as error:
                if gone_at is None and self._power.is_switchable and not cycled:
                    self._port.say(f"{error}; switching it off and on")
                    self._power.cycle()
                    cycled = True
                    continue
                problem: BoardError = error
            except BoardError as error:
                problem = error
            else:
                self.was_reached = True
                return done
            if isinstance(problem, BoardGoneError):
                times += 1
                gone_at = time.monotonic()
                limit = f" up to {patience:g} s" if math.isfinite(patience) else ""
                self._port.say(f"{problem}; waiting{limit} for it")
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
            self._port.cancel.wait(REPLUG_POLL_SECONDS)
            with contextlib.suppress(BoardError):
                url = self._port.url
                if ports.is_url(url) or Path(url).exists():
                    return


class _BusyWait:
    """Waits for other programs, for some time in all."""

    def __init__(self, seconds: float, port: BoardPort) -> None:
        self._seconds = seconds
        self._port = port
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
            self._port.say(f"{error}; waiting for it")
        self._port.cancel.wait(min(BUSY_POLL_SECONDS, left))
