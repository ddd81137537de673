"""A terminal for a board behind a socket, for programs that want a serial device.

pyserial reads a ``socket://`` byte by byte, and pytest-embedded waits 50 ms before each: a boot log
would take minutes. A pseudo terminal is read in chunks, as a device is.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import tty
from collections.abc import Iterator
from urllib.parse import urlsplit

from engine.boards.virtual.board import SYNC

_CHUNK_BYTES = 1 << 16
_POLL_SECONDS = 0.02  # seconds after which is looked again whether the terminal was opened
_CONNECT_SECONDS = 10.0


@contextlib.contextmanager
def terminal(url: str, *, reset: bool) -> Iterator[str]:
    """Offer a board as a terminal while the block runs.

    Each time the terminal is opened, the board is connected anew, and disconnected when the last
    who has it open closes it.

    Args:
        url: ``socket://host:port``.
        reset: whether it is a virtual board, which is reset each time the terminal is opened.

    Yields:
        Path of the terminal, which is this user's alone.
    """
    master, slave = os.openpty()
    os.fchmod(slave, 0o600)  # as it is made, a group may write to it: pts(4)
    tty.setraw(slave)
    # A terminal that is held open and not read takes nothing, and would keep us for ever.
    os.set_blocking(master, False)
    path = os.ttyname(slave)
    os.close(slave)
    over = threading.Event()
    thread = threading.Thread(
        target=_serve, args=(master, url, reset, over), name="bridge", daemon=True
    )
    thread.start()
    try:
        yield path
    finally:
        over.set()
        thread.join()
        os.close(master)


def _serve(master: int, url: str, reset: bool, over: threading.Event) -> None:
    """Owns the master and the connection; the only thing shared is ``over``."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 0)
    while not over.wait(_POLL_SECONDS):
        if not _is_open(master):
            continue
        try:
            if reset:
                _reset(address)
            with socket.create_connection(address, timeout=_CONNECT_SECONDS) as board:
                board.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _carry(master, board, over)
        except OSError:
            # The board is gone: who has the terminal open hears nothing, and says so.
            continue


def _reset(address: tuple[str, int]) -> None:
    """Enter a virtual board's bootloader and leave it; returns when the board has reset."""
    with socket.create_connection(address, timeout=_CONNECT_SECONDS) as board:
        board.sendall(SYNC)
        board.shutdown(socket.SHUT_WR)
        while board.recv(_CHUNK_BYTES):
            pass


def _is_open(master: int) -> bool:
    poll = select.poll()
    poll.register(master, select.POLLIN)
    return not any(event & select.POLLHUP for _, event in poll.poll(0))


def _carry(master: int, board: socket.socket, over: threading.Event) -> None:
    """Carry bytes both ways until the terminal is closed, or the board leaves."""
    while not over.is_set():
        ready = select.select([master, board.fileno()], [], [], _POLL_SECONDS)[0]
        if master in ready:
            try:
                board.sendall(os.read(master, _CHUNK_BYTES))
            except OSError:
                return
        if board.fileno() in ready:
            data = board.recv(_CHUNK_BYTES)
            if not data:
                return
            while data and not over.is_set() and _is_open(master):
                if select.select([], [master], [], _POLL_SECONDS)[1]:
                    data = data[_write(master, data) :]


def _write(descriptor: int, data: bytes) -> int:
    """How many bytes were taken."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0
