"""The way in to a firmware's console: where who types meets the thread that reads the console.

Any thread types: a screen, a script, a program's standard input. One thread at a time takes it, the
one that reads the console, between two looks at what the firmware said; so reading never waits for
writing. What waits is bounded: typing more is refused (:meth:`ConsoleInput.send`) or waits for room
(:meth:`ConsoleInput.send_all`). When the reading ends, what still waits is dropped: a board that
comes back does not do what was asked of it before it went. What is typed while nothing reads,
before the first reading or while a board is away, waits for the next one.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.cancel import CancelToken
from engine.errors import BoardError, CancelledError, UsageError
from engine.text import count

MAX_WAITING_BYTES = 1 << 16
"""Bytes that may wait; a console at 115200 baud takes them in six seconds."""

MAX_COMMANDS = 16
"""Changes of lines and restarts that may wait."""

EOLS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}
"""Ends of a line that is typed, by name. ESP-IDF's console takes CR unless it is told otherwise."""

_PIECE_BYTES = 4096  # bytes offered at once

Write = Callable[[bytes], int]
"""Gives bytes to the firmware without waiting; how many were taken."""


@dataclass(frozen=True, slots=True)
class Lines:
    """How the control lines of a serial port are to be; None leaves one as it is."""

    dtr: bool | None = None
    rts: bool | None = None


@dataclass(frozen=True, slots=True)
class Restart:
    """The chip is to begin anew: its program, or its ROM's bootloader."""

    bootloader: bool


@dataclass(frozen=True, slots=True)
class ResetStep:
    """Set the lines, then wait so many seconds before anything else is done."""

    lines: Lines
    seconds: float


class Control(Protocol):
    """The control lines of a console that has them."""

    def set(self, lines: Lines) -> None:
        """Set the lines."""
        ...

    def steps(self, restart: Restart) -> Sequence[ResetStep]:
        """What restarts this chip."""
        ...


class ConsoleInput:
    """What is typed to one console.

    Args:
        on_note: called with a line for people, by the thread that reads the console.
        now: a clock in seconds that never goes back.
    """

    def __init__(
        self,
        on_note: Callable[[str], None] = lambda note: None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_note = on_note
        self._now = now
        self._changed = threading.Condition()
        # All below is guarded by _changed, but for the steps and the pause, which the reader owns.
        self._queue: deque[bytes | Lines | Restart] = deque()
        self._waiting = 0
        self._commands = 0
        self._wake: int | None = None
        self._steps: deque[ResetStep] = deque()
        self._pause_until = 0.0

    def send(self, data: bytes) -> None:
        """Type; never waits.

        Raises:
            BoardError: the board does not take what was typed before; nothing of ``data`` is sent.
        """
        with self._changed:
            if self._waiting + len(data) > MAX_WAITING_BYTES:
                raise BoardError(
                    f"not sent: the board has not yet taken {self._waiting} bytes of before"
                )
            self._put(data)

    def send_all(self, data: bytes, cancel: CancelToken) -> None:
        """Type more than may wait at once, such as a file; waits for room, not for the last byte.

        Args:
            data: what to send.
            cancel: ends the waiting; what had room is sent.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says.
        """
        forget = cancel.on_stop(self._wake_senders)
        try:
            for start in range(0, len(data), _PIECE_BYTES):
                piece = data[start : start + _PIECE_BYTES]
                with self._changed:
                    self._changed.wait_for(lambda: self._has_room(_PIECE_BYTES) or cancel.stopped)
                    cancel.check()
                    self._put(piece)
        finally:
            forget()

    def send_file(self, path: Path, cancel: CancelToken) -> int:
        """Send a file as it is; waits as :meth:`send_all` does.

        Returns:
            How many bytes.

        Raises:
            UsageError: the file cannot be read.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        total = 0
        try:
            with path.expanduser().open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    self.send_all(piece, cancel)
                    total += len(piece)
        except (OSError, RuntimeError) as error:
            raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
        return total

    def set_lines(self, *, dtr: bool | None = None, rts: bool | None = None) -> None:
        """Set control lines; True asserts one (pulls its pin low).

        Raises:
            BoardError: too much waits.
        """
        self._command(Lines(dtr, rts))

    def reset(self) -> None:
        """Restart the chip into its program.

        Raises:
            BoardError: too much waits.
        """
        self._command(Restart(bootloader=False))

    def boot(self) -> None:
        """Restart the chip into its ROM's bootloader.

        Raises:
            BoardError: too much waits.
        """
        self._command(Restart(bootloader=True))

    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        """Be the thread that reads the console while the block runs.

        Yields:
            A descriptor that is readable when :meth:`pump` should be called.
        """
        wake, typed = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            with self._changed:
                assert self._wake is None, "another thread reads this console"
                self._wake = typed
                if self._queue:
                    self._wake_reader()
            yield wake
        finally:
            with self._changed:
                self._wake = None
                self._queue.clear()
                self._waiting = self._commands = 0
                self._changed.notify_all()
            self._steps.clear()
            self._pause_until = 0.0
            os.close(wake)
            os.close(typed)

    def pump(self, wake: int, write: Write, control: Control | None = None) -> float | None:
        """Do what is due, without waiting. Called by the thread that reads the console.

        Args:
            wake: what :meth:`reading` gave.
            write: gives bytes to the firmware.
            control: the lines of the console; None when it has none, which the person is told.

        Returns:
            Seconds after which to call again whatever comes; 0: as soon as ``write`` would take
            more; None: nothing waits.
        """
        with contextlib.suppress(BlockingIOError):
            os.read(wake, _PIECE_BYTES)
        while True:
            left = self._pause_until - self._now()
            if left > 0:
                return left
            if self._steps:
                assert control is not None
                step = self._steps.popleft()
                control.set(step.lines)
                self._pause_until = self._now() + step.seconds
                continue
            with self._changed:
                if not self._queue:
                    return None
                first = self._queue[0]
            if isinstance(first, bytes):
                # One piece, then the console is looked at again, however fast they come.
                return 0 if self._took(first, write(first[:_PIECE_BYTES])) else None
            self._done()
            if control is None:
                self._on_note("this console has no DTR and RTS lines: nothing can be reset here")
            elif isinstance(first, Lines):
                control.set(first)
            else:
                self._steps.extend(control.steps(first))

    def _command(self, command: Lines | Restart) -> None:
        with self._changed:
            if self._commands == MAX_COMMANDS:
                raise BoardError("not done: the board's port is still busy with what came before")
            self._commands += 1
            self._queue.append(command)
            self._wake_reader()

    def _has_room(self, count: int) -> bool:
        return self._waiting + count <= MAX_WAITING_BYTES

    def _put(self, data: bytes) -> None:
        if data:
            self._queue.append(data)
            self._waiting += len(data)
            self._wake_reader()

    def _took(self, first: bytes, count: int) -> bool:
        """Whether anything still waits."""
        with self._changed:
            self._waiting -= count
            if count == len(first):
                self._queue.popleft()
            else:
                self._queue[0] = first[count:]
            self._changed.notify_all()
            return bool(self._queue)

    def _done(self) -> None:
        with self._changed:
            self._queue.popleft()
            self._commands -= 1

    def _wake_reader(self) -> None:
        if self._wake is not None:
            with contextlib.suppress(BlockingIOError):  # it is awake
                os.write(self._wake, b"!")

    def _wake_senders(self) -> None:
        with self._changed:
            self._changed.notify_all()


def send_file_with_notes(
    console_input: ConsoleInput, path: Path, cancel: CancelToken, on_note: Callable[[str], None]
) -> None:
    """Send a file as it is, and tell how that went; waits for the board, in a thread of its own.

    Args:
        console_input: of the console.
        path: the file.
        cancel: ends it early, of which nothing is told.
        on_note: called with a line for people.
    """
    with contextlib.suppress(CancelledError):
        try:
            on_note(f"{path}: {count(console_input.send_file(path, cancel), 'byte')} sent")
        except (BoardError, UsageError) as error:
            on_note(str(error))
