"""One stage at a time on a board: first come, first served, and never two processes at once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    port: str,
    *,
    cancel: CancelToken,
    folder: Path,
    on_wait: Callable[[str], None],
    purpose: str,
) -> Iterator[None]:
    """Hold a board while the block runs, as :func:`hold_one` of one."""
    with hold_one([port], cancel=cancel, folder=folder, on_wait=on_wait, purpose=purpose):
        yield


@contextlib.contextmanager
def hold_one(
    ports: Sequence[str],
    *,
    cancel: CancelToken,
    folder: Path,
    on_wait: Callable[[str], None],
    purpose: str,
    seconds: float = math.inf,
) -> Iterator[str | None]:
    """Hold the first of some boards that is free while the block runs.

    Who waits for several stands in the queue of each.

    Args:
        ports: ports, URLs or names, the best first; the same words mean the same board, and so do a
            device and a link to it.
        cancel: ends the waiting.
        folder: where lock files are; the same for all processes that share boards.
        on_wait: called once with who holds them, if one must be waited for.
        purpose: what it is held for, for those who wait.
        seconds: how long to wait at the most.

    Yields:
        The one that is held; None when none became free in time.

    Raises:
        BoardError: a lock file cannot be made or locked.
        CancelledError, Interrupted: as ``cancel`` says, while it waits.
    """
    boards = {_lock_file(port, folder): port for port in ports}
    with contextlib.ExitStack() as stack:
        files = {path: stack.enter_context(_opened(path, port)) for path, port in boards.items()}
        line = stack.enter_context(_Line(tuple(boards), cancel))
        taken = _take(line, boards, files, cancel, _Once(on_wait), time.monotonic() + seconds)
        if taken is None:
            yield None
            return
        line.stay_in(taken)
        _write(files[taken], f"{purpose} (process {os.getpid()})")
        try:
            yield boards[taken]
        finally:
            _write(files[taken], "")
            fcntl.flock(files[taken], fcntl.LOCK_UN)


def _take(
    line: _Line,
    boards: Mapping[Path, str],
    files: Mapping[Path, int],
    cancel: CancelToken,
    told: _Once,
    deadline: float,
) -> Path | None:
    """Lock one of the files as soon as it is our turn and no other process has it."""
    names = "one of " + ", ".join(boards.values()) if len(boards) > 1 else "".join(boards.values())
    if not line.first(0):
        told(
            f"waiting for {names}: {_read(next(iter(files.values()))) or 'another stage'} holds it"
        )
    while True:
        first = line.first(deadline - time.monotonic())
        cancel.check()
        for path in first:
            if _try(files[path], boards[path], path):
                return path
        if not first or time.monotonic() >= deadline:
            return None  # first is empty when time was up
        told(f"waiting for {names}: {_read(files[first[0]]) or 'another process'} holds it")
        cancel.wait(POLL_SECONDS)


class _Line:
    """A place in the queues of some boards, among this process's threads."""

    def __init__(self, paths: Sequence[Path], cancel: CancelToken) -> None:
        self._paths = list(paths)
        self._cancel = cancel
        self._ticket = object()

    def __enter__(self) -> _Line:
        with _changed:
            for path in self._paths:
                _queues.setdefault(path, []).append(self._ticket)
        self._forget = self._cancel.on_stop(self._wake)
        return self

    def __exit__(self, *_error: object) -> None:
        self._forget()
        self._leave(self._paths)

    def first(self, seconds: float) -> Sequence[Path]:
        """Wait until it is this one's turn somewhere: where. Empty when stopped or time is up."""
        with _changed:
            _changed.wait_for(
                lambda: self._turns() or self._cancel.stopped,
                None if math.isinf(seconds) else max(0.0, seconds),
            )
            return self._turns()

    def stay_in(self, path: Path) -> None:
        """Leave every other queue: this board was had."""
        self._leave([other for other in self._paths if other != path])
        self._paths = [path]

    def _turns(self) -> list[Path]:
        return [path for path in self._paths if _queues[path][0] is self._ticket]

    def _leave(self, paths: Sequence[Path]) -> None:
        with _changed:
            for path in paths:
                _queues[path].remove(self._ticket)
                if not _queues[path]:
                    del _queues[path]
            _changed.notify_all()

    def _wake(self) -> None:
        with _changed:
            _changed.notify_all()


def _lock_file(port: str, folder: Path) -> Path:
    board = os.path.realpath(port) if os.sep in port and not is_url(port) else port
    return folder.resolve() / (hashlib.sha256(board.encode()).hexdigest()[:16] + ".lock")


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


def _read(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()


def holder_of(port: str, folder: Path) -> str:
    """What a board is held for, and by which process; empty when it is free."""
    try:
        descriptor = os.open(_lock_file(port, folder), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        # Shared, so that two who look do not see each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor) or "another process"
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return ""


class _Once:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say: Callable[[str], None] | None = say

    def __call__(self, message: str) -> None:
        say, self._say = self._say, None
        if say is not None:
            say(message)


def _try(descriptor: int, port: str, path: Path) -> bool:
    """Lock a file unless another process has it; the system frees the lock of one that dies."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unlockable(port, path, error) from error
    return True
