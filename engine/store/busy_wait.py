"""Waiting for a database that somebody else holds, or whose disk is full; and who holds it.

Who asks for an answer (a list, a command) waits for :data:`BUSY_TIMEOUT_SECONDS` and is then told
who holds the database. Work in flight waits as long as it takes: nothing of it is lost when a
backup tool or a stopped process holds the database for minutes.
The context of a thread says which of both it is (:func:`use_wait_policy`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.processes.programs import HeldLock, held_locks, user_name

BUSY_TIMEOUT_SECONDS = 10.0
"""Seconds after which one who waits for a database is told so."""

SLICE_SECONDS = 0.25
"""Seconds that SQLite waits by itself; between two of these a shutdown ends the wait."""

RESERVED_BYTES = 1 << 20
"""Bytes of room below which work in flight does not begin to write."""

DISK_POLL_SECONDS = 1.0
"""Seconds between two looks whether there is room again."""

_LOCK_POLL_SECONDS = 0.1

_BUSY = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,  # gave up on a race of locks (https://sqlite.org/rescode.html)
)
_IO_LOCKS = (sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_BLOCKED, sqlite3.SQLITE_IOERR_RDLOCK)

_WRITE_LOCK = 120
"""The byte of ``-shm`` that a writer locks (https://sqlite.org/walformat.html, 2.3)."""

_PENDING, _LAST = 0x40000000, 0x400001FF
"""Bytes of a database that are locked (https://sqlite.org/src/file/src/os.h)."""

R = TypeVar("R")


class StoreError(EspdeckError):
    """The database cannot be read or written: disk full, no permission, damaged, held by others."""


class WaitPolicy:
    """How long a thread waits for a database.

    Args:
        most: seconds; None for as long as it takes.
        stop: ends the wait.
        say: called with a line when a wait gets long, and with another when it is over; from any
            thread that waits, one line for all of them.
    """

    def __init__(
        self,
        most: float | None = BUSY_TIMEOUT_SECONDS,
        stop: CancelToken | None = None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._most = most
        self._stop = stop or CancelToken()
        self._say = say
        self._lock = threading.Lock()
        self._told: dict[Path, str] = {}
        self._full: dict[Path, str] = {}

    @property
    def reason(self) -> str:
        """Why work waits that was told to, in a line; empty when it does not."""
        with self._lock:
            return "; ".join(self._told.values())

    @property
    def no_room(self) -> str:
        """Why work waits for room on a disk, in a line; empty when it does not."""
        with self._lock:
            full = self._full.items()
            return "; ".join(reason for path, reason in full if free_bytes(path) < RESERVED_BYTES)

    def persist(self, path: Path, do: Callable[[], R]) -> R:
        """Do what needs a database, again while another process holds it.

        Args:
            path: the database.
            do: changes nothing when it fails.

        Raises:
            StoreError: it is held for too long; says by whom.
            CancelledError, Interrupted: as the token says.
        """
        told = self._most is None and self._wait_for_room(path)
        began = time.monotonic()
        while True:
            try:
                done = do()
            except Exception as error:
                if not is_busy(error):
                    raise
                self._stop.check()
                told |= self._wait_on(path, time.monotonic() - began)
                # Not every kind of busy waits by itself in SQLite.
                self.pause(0.01)
            else:
                if told:  # others may read what nobody can write
                    self._over(path)
                return done

    def take(self, lock: threading.Lock, path: Path) -> None:
        """Take a lock whose holder may wait for a database itself, and with more patience.

        Raises:
            StoreError: it is held for too long; says by whom the database is.
            CancelledError, Interrupted: as the token says.
        """
        began = time.monotonic()
        while not lock.acquire(timeout=_LOCK_POLL_SECONDS):
            self._stop.check()
            self._wait_on(path, time.monotonic() - began)

    def pause(self, seconds: float) -> None:
        """Wait that long, unless the token says to stop."""
        self._stop.wait(seconds)

    def _wait_on(self, path: Path, waited: float) -> bool:
        """Say so when it has been long; whether it was said, by anybody."""
        if waited < (BUSY_TIMEOUT_SECONDS if self._most is None else self._most):
            return False
        line = f"{path}: busy for {waited:.0f} s, {describe_holders(path)}"
        if self._most is not None:
            raise StoreError(f"{line}: try again when it is free")
        self._notify(path, f"{line}: work waits until it is free")
        return True

    def _wait_for_room(self, path: Path) -> bool:
        """Wait for room on the disk; whether that was said."""
        told = False
        while free_bytes(path) < RESERVED_BYTES:
            reason = f"{path}: the disk is full: free some space"
            with self._lock:
                self._full[path] = reason
            self._notify(path, f"{reason}; work waits for it")
            told = True
            self.pause(DISK_POLL_SECONDS)
        return told

    def _notify(self, path: Path, line: str) -> None:
        with self._lock:
            if path in self._told:
                return
            self._told[path] = line
        self._say(line)

    def _over(self, path: Path) -> None:
        with self._lock:
            was = self._told.pop(path, None)
            self._full.pop(path, None)
        if was is not None:
            self._say(f"{path}: can be written again, work goes on")


_DEFAULT_POLICY = WaitPolicy()
_wait_policy: ContextVar[WaitPolicy | None] = ContextVar("patience", default=None)


def wait_policy(otherwise: WaitPolicy | None = None) -> WaitPolicy:
    """How long the thread that calls this waits.

    Args:
        otherwise: where it does not say so; by default it is one that asks for an answer.
    """
    return _wait_policy.get() or otherwise or _DEFAULT_POLICY


@contextlib.contextmanager
def use_wait_policy(chosen: WaitPolicy) -> Iterator[None]:
    """Wait so for databases while the block runs, also in threads with a copy of its context."""
    before = _wait_policy.set(chosen)
    try:
        yield
    finally:
        _wait_policy.reset(before)


def is_busy(error: BaseException) -> bool:
    """Whether an error of SQLite, or of SQLAlchemy, says that somebody else holds the database."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", None)
    if not isinstance(cause, sqlite3.Error) or code is None:
        return False
    return code & 0xFF in _BUSY or code in _IO_LOCKS


def free_bytes(path: Path) -> int:
    """Bytes that a user may still write beside a file; plenty where nobody can say."""
    try:
        status = os.statvfs(path.parent)
    except OSError:
        return RESERVED_BYTES
    return status.f_bavail * status.f_frsize


def describe_holders(path: Path) -> str:
    """Which other processes hold a database, for people, as far as the machine tells."""
    writers, readers = _holders(path)
    found = writers or readers
    if not found:
        return "another process holds it"
    return f"held by {', '.join(map(describe_process, sorted(found)))}"


def describe_openers(path: Path) -> tuple[str, ...]:
    """Other processes that have a database open, for people."""
    return tuple(map(describe_process, openers(path)))


def openers(path: Path) -> tuple[int, ...]:
    """Numbers of other processes that have a database open."""
    writers, readers = _holders(path)
    return tuple(sorted(writers | readers))


def describe_process(pid: int) -> str:
    """A process, for people: ``process 123 (cp, of alice, stopped)``."""
    folder, facts = Path(f"/proc/{pid}"), []
    with contextlib.suppress(OSError, ValueError):
        words = (folder / "stat").read_text("utf-8", "replace")
        facts.append(words[words.index("(") + 1 : words.rindex(")")])
        facts.append(f"of {user_name(folder.stat().st_uid)}")
        if words[words.rindex(")") + 2 :][:1] in ("T", "t"):
            facts.append("stopped")
    return f"process {pid} ({', '.join(facts)})" if facts else f"process {pid}"


def describe_lockers(path: Path) -> str:
    """Which other processes hold a file's ``flock``, for people; empty where nobody can say."""
    return ", ".join(map(describe_process, lock_holders(path)))


def lock_holders(path: Path) -> tuple[int, ...]:
    """Numbers of other processes that hold a file's ``flock``; () where nobody can say."""
    with contextlib.suppress(OSError):
        inode = path.stat().st_ino
        held = {lock.pid for lock in _locks() if lock.kind == "FLOCK" and lock.inode == inode}
        return tuple(sorted(pid for pid in held if _has_open(pid, inode)))
    return ()


def _holders(path: Path) -> tuple[set[int], set[int]]:
    """Processes that keep others from writing, and those that have it open; not this one."""
    files: dict[int, str] = {}
    for suffix in ("", "-shm"):
        with contextlib.suppress(OSError):
            files[Path(f"{path}{suffix}").stat().st_ino] = suffix
    writers: set[int] = set()
    readers: set[int] = set()
    for lock in _locks():
        suffix = files.get(lock.inode, "-")
        is_database = suffix == "" and _PENDING <= lock.start <= _LAST
        if lock.kind != "POSIX" or not (is_database or suffix == "-shm"):
            continue
        if not _has_open(lock.pid, lock.inode):
            continue
        if lock.writes and (is_database or lock.start == _WRITE_LOCK):
            writers.add(lock.pid)
        else:
            readers.add(lock.pid)
    return writers, readers


def _locks() -> Iterator[HeldLock]:
    """Locks of other processes; one of another container may have no number here."""
    own = os.getpid()
    return (lock for lock in held_locks() if lock.pid > 0 and lock.pid != own)


def _has_open(pid: int, inode: int) -> bool:
    """Whether a process has such a file open: numbers of other disks' files may be the same."""
    try:
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if each.stat().st_ino == inode:
                    return True
    except OSError:
        return True  # another user's: it may be
    return False
