"""The serial monitor: what a board's console says, byte for byte, for a while."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import serial

from engine.boards import ports
from engine.cancel import CancelToken
from engine.errors import BoardError

_SOCKET = "socket://"
_CONNECT_SECONDS = 10.0
_CHUNK = 1 << 16
_ANY_BAUD = 115200
_TICK = 0.1  # seconds after which cancel and the deadline are looked at again
_RESET_SECONDS = 0.1  # how long the reset line is held; esptool's hard reset does the same


def read_serial(
    port: str,
    *,
    baud: int,
    on_output: Callable[[bytes], None],
    until: Callable[[], bool],
    seconds: float,
    cancel: CancelToken,
    reset: bool,
) -> None:
    """Read a board's console until enough was seen or time is up.

    Args:
        port: a serial port or URL.
        baud: speed in bits a second.
        on_output: called with each piece as it comes; nothing is kept here.
        until: asked after each piece; true ends the reading.
        seconds: how long to read at the most.
        cancel: ends it early.
        reset: reset the chip first by its RTS line, so that the log begins with the boot. A
            ``socket://`` has no such line: what is behind it resets when a flasher leaves.

    Raises:
        BoardError: the port is absent, busy, or vanished; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    cancel.check()
    ports.check(port)
    with contextlib.ExitStack() as stack:
        with _explained(port):
            take = _connect(port, baud, reset, cancel, stack)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            cancel.check()
            with _explained(port):
                data = take(min(_TICK, left))
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
        _reset(line, cancel)


@contextlib.contextmanager
def _explained(port: str) -> Iterator[None]:
    """Turn what goes wrong with a port into one line."""
    try:
        yield
    except (OSError, ValueError, serial.SerialException) as error:
        raise BoardError(ports.explain(port, str(error)) or f"{port}: {error}") from error


def _connect(
    port: str, baud: int, reset: bool, cancel: CancelToken, stack: contextlib.ExitStack
) -> Callable[[float], bytes]:
    """Open a port until ``stack`` closes it.

    Returns:
        A function that waits that many seconds at the most and returns what has come.
    """
    if port.startswith(_SOCKET):
        # Not through pyserial, which sleeps for 0.3 s when it closes one.
        parts = urlsplit(port)
        address = (parts.hostname or "", parts.port or 0)
        connection = socket.create_connection(address, timeout=_CONNECT_SECONDS)
        return _taker(stack.enter_context(connection).fileno())
    line = stack.enter_context(_open(port, baud))
    if reset:
        _reset(line, cancel)
    try:
        return _taker(line.fileno())
    except (io.UnsupportedOperation, AttributeError):  # such as rfc2217://
        return lambda seconds: line.read(1) + line.read(line.in_waiting)


def _open(port: str, baud: int) -> serial.Serial:
    """Open a port with its reset and boot lines released, so that opening it resets nothing."""
    line = serial.serial_for_url(port, do_not_open=True, baudrate=baud, timeout=_TICK)
    if not ports.is_url(port):
        line.exclusive = True
    line.dtr = False
    line.rts = False
    line.open()
    return line


def _reset(line: serial.Serial, cancel: CancelToken) -> None:
    """Pull EN low by RTS, as the auto-reset circuit of Espressif's boards has it."""
    try:
        line.rts = True
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            return  # a pseudo terminal: it has no such line
        raise
    cancel.wait(_RESET_SECONDS)
    line.reset_input_buffer()
    line.rts = False


def _taker(descriptor: int) -> Callable[[float], bytes]:
    """Read a descriptor as things come; pyserial waits for a full buffer or goes byte by byte."""

    def take(seconds: float) -> bytes:
        if not select.select([descriptor], [], [], seconds)[0]:
            return b""
        data = os.read(descriptor, _CHUNK)
        if not data:
            raise serial.SerialException("disconnected")
        return data

    return take
