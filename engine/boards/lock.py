"""One stage at a time on a board: first come, first served, and never two processes at once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.boards.ports import is_url
from engine.cancel import CancelToken
from engine.errors import BoardError

POLL_SECONDS = 0.1
"""How often a lock that another process holds is tried: the system cannot tell when it is free."""

_changed = threading.Condition()
_queues: dict[Path, list[object]] = {}
"""Who waits in this process for which lock file, the holder first. Guarded by ``_changed``."""


@contextlib.contextmanager
def hold(
    port: str, *, cancel: CancelToken, folder: Path, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold a board while the block runs.

    Args:
        port: the board's port, URL or name; the same words mean the same board, and so do a device
            and a link to it.
        cancel: ends the waiting.
        folder: where lock files are; the same for all processes that share boards.
        on_wait: called once with who holds the board, if it must be waited for.

    Raises:
        BoardError: the lock file cannot be made or locked.
        CancelledError, Interrupted: as ``cancel`` says, while it waits.
    """
    board = os.path.realpath(port) if os.sep in port and not is_url(port) else port
    path = folder.resolve() / (hashlib.sha256(board.encode()).hexdigest()[:16] + ".lock")
    told = _Once(on_wait)
    with _turn(path, port, cancel, told), _opened(path, port) as descriptor:
        _lock(descriptor, port, path, cancel, told)
        _write(descriptor, str(os.getpid()))
        try:
            yield
        finally:
            _write(descriptor, "")
            fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextlib.contextmanager
def _opened(path: Path, port: str) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _unlockable(port, path, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unlockable(port: str, path: Path, error: OSError) -> BoardError:
    return BoardError(f"{port}: cannot be locked: {path}: {error.strerror or error}")


def _write(descriptor: int, holder: str) -> None:
    """Say who holds the board. For people only: a full disk does not matter."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)


class _Once:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say: Callable[[str], None] | None = say

    def __call__(self, message: str) -> None:
        say, self._say = self._say, None
        if say is not None:
            say(message)


@contextlib.contextmanager
def _turn(path: Path, port: str, cancel: CancelToken, told: _Once) -> Iterator[None]:
    """Wait for this process's other threads that came before."""
    ticket = object()

    def wake() -> None:
        with _changed:
            _changed.notify_all()

    with _changed:
        queue = _queues.setdefault(path, [])
        queue.append(ticket)
        busy = queue[0] is not ticket
    forget = cancel.on_stop(wake)
    try:
        if busy:
            told(f"waiting for {port}: another stage holds it")
        with _changed:
            _changed.wait_for(lambda: queue[0] is ticket or cancel.stopped)
        cancel.check()
        yield
    finally:
        forget()
        with _changed:
            queue.remove(ticket)
            if not queue:
                del _queues[path]
            _changed.notify_all()


def _lock(descriptor: int, port: str, path: Path, cancel: CancelToken, told: _Once) -> None:
    """Wait for other processes; the system frees the lock of one that dies."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            told(f"waiting for {port}: process {holder or 'unknown'} holds it")
            cancel.wait(POLL_SECONDS)
        except OSError as error:
            raise _unlockable(port, path, error) from error
        else:
            return
