"""The serial monitor: what a board's console says, byte for byte, for a while."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from engine.boards import ports
from engine.cancel import CancelToken
from engine.console_input import ConsoleInput, Control, Lines, ResetStep, Restart
from engine.errors import BoardError

_SOCKET = "socket://"
_CONNECT_SECONDS = 10.0
_CHUNK_BYTES = 1 << 16
_ANY_BAUD = 115200
_POLL_SECONDS = 0.1  # seconds after which cancel and the deadline are looked at again
_REMOTE_POLL_SECONDS = 0.02  # the same, where what is typed cannot end the waiting
_USB_JTAG = (0x303A, 0x1001)  # Espressif's vendor and the product of a chip's own USB port

# Seconds as esptool holds the lines. The chip's USB port must see both lines asserted on the way
# from one to the other, a board's circuit passes through neither.
_OFF = Lines(dtr=False, rts=False)
_RESET = (ResetStep(Lines(dtr=False, rts=True), 0.1), ResetStep(_OFF, 0.0))
_BOOT = (
    ResetStep(Lines(dtr=False, rts=True), 0.1),
    ResetStep(Lines(dtr=True, rts=False), 0.05),
    ResetStep(_OFF, 0.0),
)
_BOOT_BY_USB = (
    ResetStep(_OFF, 0.1),
    ResetStep(Lines(dtr=True), 0.1),
    ResetStep(Lines(rts=True), 0.0),
    ResetStep(Lines(dtr=False), 0.1),
    ResetStep(_OFF, 0.0),
)


def read_serial(
    port: str,
    *,
    baud: int,
    on_output: Callable[[bytes], None],
    until: Callable[[], bool],
    seconds: float,
    cancel: CancelToken,
    reset: bool,
    console_input: ConsoleInput | None = None,
    control: Control | None = None,
) -> None:
    """Read a board's console until enough was seen or time is up.

    Args:
        port: a serial port or URL.
        baud: speed in bits a second.
        on_output: called with each piece as it comes; nothing is kept here.
        until: asked after each piece and some times a second without any; true ends the reading.
        seconds: how long to read at the most.
        cancel: ends it early.
        reset: reset the chip first by its RTS line, so that the log begins with the boot. A
            ``socket://`` has no such line: what is behind it resets when a flasher leaves.
        console_input: what is typed to the board; None when nothing is.
        control: what restarts the board, where it is not the lines of its port.

    Raises:
        BoardError: the port is absent, busy, or vanished; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    cancel.check()
    ports.check(port)
    console_input = console_input or ConsoleInput()
    with contextlib.ExitStack() as stack:
        with _explained(port):
            console = _connect(port, baud, reset, cancel, control, stack)
        wake = stack.enter_context(console_input.reading())
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            cancel.check()
            with _explained(port):
                again = console_input.pump(wake, console.write, console.control)
                soon = min(_POLL_SECONDS, left, again or _POLL_SECONDS)
                data = console.read(soon, wake, is_writing=again == 0)
            if data:
                on_output(data)
            if until():
                return


def reset(port: str, *, cancel: CancelToken) -> None:
    """Reset a board by its RTS line.

    Args:
        port: a serial port, or a URL that has such a line (``rfc2217://``).
        cancel: ends it early.

    Raises:
        BoardError: the port is absent, busy, or vanished; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    ports.check(port)
    with _explained(port), _open(port, _ANY_BAUD) as line:
        _reset(line, _control(line), cancel)


class _Console(Protocol):
    """A port that is open."""

    control: Control | None

    def read(self, seconds: float, wake: int, *, is_writing: bool) -> bytes:
        """What has come.

        Waits that long at the most, and no longer than until ``wake`` is readable or, with
        ``is_writing``, the port takes bytes.
        """
        ...

    def write(self, data: bytes) -> int:
        """Write without waiting; how many bytes the port took."""
        ...


@contextlib.contextmanager
def _explained(port: str) -> Iterator[None]:
    """Turn what goes wrong with a port into one line."""
    try:
        yield
    except (OSError, ValueError, serial.SerialException) as error:
        raise ports.explain(port, str(error)) or BoardError(f"{port}: {error}") from error


def _connect(
    port: str,
    baud: int,
    reset: bool,
    cancel: CancelToken,
    instead: Control | None,
    stack: contextlib.ExitStack,
) -> _Console:
    """Open a port until ``stack`` closes it."""
    if port.startswith(_SOCKET):
        # Not through pyserial, which sleeps for 0.3 s when it closes one.
        parts = urlsplit(port)
        address = (parts.hostname or "", parts.port or 0)
        connection = socket.create_connection(address, timeout=_CONNECT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Descriptor(stack.enter_context(connection).fileno(), instead)
    line = stack.enter_context(_open(port, baud))
    control = _control(line)
    if reset:
        _reset(line, control, cancel)
    try:
        return _Descriptor(line.fileno(), instead or control)
    except (io.UnsupportedOperation, AttributeError):  # such as rfc2217://
        return _Remote(line, instead or control)


def _open(port: str, baud: int) -> serial.Serial:
    """Open a port with its reset and boot lines released, so that opening it resets nothing."""
    line = serial.serial_for_url(
        port, do_not_open=True, baudrate=baud, timeout=_REMOTE_POLL_SECONDS
    )
    if not ports.is_url(port):
        line.exclusive = True
    line.dtr = False
    line.rts = False
    line.open()
    return line


def _reset(line: serial.Serial, control: Control | None, cancel: CancelToken) -> None:
    """Reset the chip behind a port; what it said before is not of interest any more."""
    if control is None:
        return
    hold, release = _RESET
    control.set(hold.lines)
    cancel.wait(hold.seconds)
    line.reset_input_buffer()
    control.set(release.lines)


def _control(line: serial.Serial) -> _SerialControl | None:
    """The control lines of a port; None for one that has none, a pseudo terminal."""
    if not ports.is_url(str(line.port)):
        try:
            line.cts  # noqa: B018 - asks the driver
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                return None
            raise
    return _SerialControl(line)


class _SerialControl:
    """The lines of a serial port, wired as on Espressif's boards.

    RTS pulls EN low, DTR the pin that chooses the bootloader, both at once neither ("Boot Mode
    Selection", esptool's documentation). A chip's own USB port imitates that.
    """

    def __init__(self, line: serial.Serial) -> None:
        self._line = line

    def set(self, lines: Lines) -> None:
        """Set the lines, DTR first."""
        if lines.dtr is not None:
            self._line.dtr = lines.dtr
        if lines.rts is not None:
            self._line.rts = lines.rts

    def steps(self, restart: Restart) -> Sequence[ResetStep]:
        """What restarts a chip."""
        if not restart.bootloader:
            return _RESET
        by_usb = any(
            each.device == self._line.port and (each.vid, each.pid) == _USB_JTAG
            for each in list_ports.comports()
        )
        return _BOOT_BY_USB if by_usb else _BOOT


class _Descriptor:
    """A console behind a descriptor that does not block.

    Read as things come: pyserial waits for a full buffer or goes byte by byte.
    """

    def __init__(self, descriptor: int, control: Control | None) -> None:
        self._descriptor = descriptor
        self.control = control

    def read(self, seconds: float, wake: int, *, is_writing: bool) -> bytes:
        """What has come."""
        writing = [self._descriptor] if is_writing else []
        if self._descriptor not in select.select([self._descriptor, wake], writing, [], seconds)[0]:
            return b""
        data = os.read(self._descriptor, _CHUNK_BYTES)
        if not data:
            raise serial.SerialException("disconnected")
        return data

    def write(self, data: bytes) -> int:
        """Write what it takes."""
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0


class _Remote:
    """A console that pyserial reads in a thread of its own: a write that waits loses nothing."""

    def __init__(self, line: serial.Serial, control: Control | None) -> None:
        self._line = line
        self.control = control

    def read(self, seconds: float, wake: int, *, is_writing: bool) -> bytes:
        """What has come, waiting for :data:`_REMOTE_POLL_SECONDS` at the most."""
        return self._line.read(1) + self._line.read(self._line.in_waiting)

    def write(self, data: bytes) -> int:
        """Write all of it."""
        return self._line.write(data) or 0
