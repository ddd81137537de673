"""The serial monitor: what a board's console says, byte for byte, for a while."""

from __future__ import annotations

import errno
import io
import os
import select
import time
from collections.abc import Callable

import serial

from engine.boards import ports
from engine.cancel import CancelToken
from engine.errors import BoardError

_CHUNK = 1 << 16
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
    try:
        with _open(port, baud) as line:
            if reset and not port.startswith("socket://"):
                _reset(line, cancel)
            _read(line, on_output, until, time.monotonic() + seconds, cancel)
    except (OSError, serial.SerialException) as error:
        known = ports.explain(port, str(error))
        raise BoardError(known or f"{port}: {error}") from error


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


def _read(
    line: serial.Serial,
    on_output: Callable[[bytes], None],
    until: Callable[[], bool],
    deadline: float,
    cancel: CancelToken,
) -> None:
    take = _taker(line)
    while time.monotonic() < deadline:
        cancel.check()
        data = take(max(0.0, min(_TICK, deadline - time.monotonic())))
        if data:
            on_output(data)
            if until():
                return


def _taker(line: serial.Serial) -> Callable[[float], bytes]:
    """A function that waits that many seconds at the most and returns what has come.

    pyserial's own ``read`` either waits for a full buffer or goes byte by byte, so the descriptor
    is read where there is one.
    """
    try:
        descriptor = line.fileno()
    except (io.UnsupportedOperation, AttributeError):
        return lambda seconds: line.read(1) + line.read(line.in_waiting)

    def take(seconds: float) -> bytes:
        if not select.select([descriptor], [], [], seconds)[0]:
            return b""
        data = os.read(descriptor, _CHUNK)
        if not data:
            raise serial.SerialException("disconnected")
        return data

    return take
