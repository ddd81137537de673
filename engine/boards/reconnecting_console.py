"""A board's console that is read on when the board vanished and came back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.boards import serial_console
from engine.boards.board_port import BoardPort
from engine.boards.board_status import BoardStatus
from engine.boards.capabilities import Reset
from engine.boards.reconnecting import RETRIES, Reconnector
from engine.boards.reset_control import ResetRequested
from engine.console_input import ConsoleInput
from engine.errors import BoardError, BoardGoneError


class ReconnectingConsole:
    """The console behind a board's port."""

    def __init__(
        self, port: BoardPort, reset: Reset, reconnector: Reconnector, status: BoardStatus
    ) -> None:
        """Know the board.

        Args:
            port: of the board.
            reset: what resets it.
            reconnector: waits for it, see :class:`engine.boards.reconnecting.Reconnector`.
            status: told what the console says.
        """
        self._port = port
        self._reset = reset
        self._reconnector = reconnector
        self._status = status

    def listen(
        self,
        *,
        baud: int,
        on_output: Callable[[bytes], None],
        until: Callable[[float], bool],
        seconds: float,
        reset: bool,
        console_input: ConsoleInput | None = None,
        on_return: Callable[[float], None] = lambda _seconds: None,
        on_presence: Callable[[bool], None] = lambda _is_there: None,
    ) -> None:
        """As :meth:`engine.boards.capabilities.Console.listen`; it is reset only to begin with."""
        self._status.activity = "listen"
        listening = _Listening(
            self._port,
            self._reset,
            self._reconnector,
            self._status,
            baud=baud,
            on_output=on_output,
            until=until,
            seconds=seconds,
            console_input=console_input,
            on_return=on_return,
            on_presence=on_presence,
            resets_by_lines=reset and self._reset.with_console(),
        )
        # As often as a chip may well be reset in that time.
        patience = None if math.isfinite(seconds) else math.inf
        self._reconnector.run(
            listening.read_on, patience=patience, tries=max(RETRIES, seconds), busy=patience
        )


@dataclass(slots=True)
class _Listening:
    """One listening, over all readings of the port that it takes.

    Args:
        port, reset, reconnector, status: of the board.
        baud, on_output, until, seconds, console_input, on_return, on_presence: as
            :meth:`ReconnectingConsole.listen` was called with.
        resets_by_lines: whether the next reading is to begin with a reset by the port's lines.
        listened: seconds that it was listened to.
        gone_at: when the board vanished, on the monotonic clock; None while it is there.
    """

    port: BoardPort
    reset: Reset
    reconnector: Reconnector
    status: BoardStatus
    baud: int
    on_output: Callable[[bytes], None]
    until: Callable[[float], bool]
    seconds: float
    console_input: ConsoleInput | None
    on_return: Callable[[float], None]
    on_presence: Callable[[bool], None]
    resets_by_lines: bool
    listened: float = 0.0
    gone_at: float | None = None
    _listened_before: float = 0.0
    _opened_at: float | None = None  # when the port that is read now was opened

    def read_on(self) -> None:
        """Read the port until enough was seen; let it go for a reset that needs that.

        Raises:
            BoardGoneError: the board was there and vanished.
            BoardError: the port is absent or busy.
            CancelledError, Interrupted: as the session's token says.
        """
        while True:
            try:
                return self._read()
            except ResetRequested:
                self.reset.into_program()

    def _read(self) -> None:
        """Read the port once."""
        self._listened_before, self._opened_at = self.listened, None
        try:
            serial_console.read_serial(
                self.port.url,
                baud=self.baud,
                on_output=self._take,
                until=self._is_enough,
                seconds=self.seconds - self.listened,
                cancel=self.port.cancel,
                reset=self.resets_by_lines,
                console_input=self.console_input,
                control=self.reset.control,
            )
        except BoardError as error:
            if not self.reconnector.was_reached:
                raise
            self.reconnector.was_reached, self.gone_at = False, time.monotonic()
            self.on_presence(False)
            raise BoardGoneError(str(error)) from error

    def _take(self, data: bytes) -> None:
        self._note_open()
        self.status.hear(data)
        self.on_output(data)

    def _is_enough(self) -> bool:
        """Count the seconds of a port that is open, and ask whether they do."""
        opened_at = self._note_open()
        self.listened = self._listened_before + time.monotonic() - opened_at
        self.resets_by_lines, self.reconnector.was_reached = False, True
        return self.until(self.listened)

    def _note_open(self) -> float:
        """Tell once that the port is open, and since when the board is back; when it was opened."""
        if self._opened_at is None:
            self._opened_at = time.monotonic()
            self.on_presence(True)
        if self.gone_at is not None:
            away, self.gone_at = time.monotonic() - self.gone_at, None
            self.on_return(away)
        return self._opened_at
