"""The folder in which all users of a machine keep locks and reservations of its boards.

It is world-writable and sticky, as ``/tmp`` is: everybody makes files there, nobody but root and
the folder's owner takes another's away. What another user planted there is never followed nor
waited for (links, fifos), and never written to: each file has one writer, its owner. Linux forbids
``O_CREAT`` on another's file there (proc_sys_fs(5), ``protected_regular``), so that files are
opened without it first.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.processes.programs import user_name

SHARED = (Path("/run/lock/espdeck"), Path("/var/lock/espdeck"))
"""Where it is, the best place first."""

LOCKS = "locks"
"""What the folder is called among the boards of a workspace that shares with nobody."""

MAX_BYTES = 2000
"""What is read of a file at the most."""

_MODE = 0o1777
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MADE_WITHIN_SECONDS = 1.0  # seconds that the folder or a file may come and go, at the most
_RETRY_SECONDS = 0.01
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """A file: what it says (untrusted, bounded), and the user id of its owner."""

    text: str
    uid: int


class LockFolder:
    """A folder of lock files, and the small texts that lie beside them.

    Its calls raise OSError where the folder or a file cannot be used; the text says which.
    """

    def __init__(self, path: Path, *, is_shared: bool = False, problem: str = "") -> None:
        """Know the folder; :meth:`find` finds the machine's.

        Args:
            path: made when it is needed.
            is_shared: whether it is for all users, or for this one.
            problem: why it is not the machine's, in a line; empty where it is, or need not be.
        """
        self.path = path
        self.is_shared = is_shared
        self.problem = problem

    @classmethod
    def find(cls, chosen: Path | None, own: Path) -> LockFolder:
        """The first place that all users can share, made if it is not there.

        Args:
            chosen: where a person wants it; None for :data:`SHARED`.
            own: what is taken where it can be had nowhere; others do not look there.
        """
        places, problems = SHARED if chosen is None else (chosen,), []
        for place in dict.fromkeys(place.parent.resolve() / place.name for place in places):
            problem = _prepare(place)
            if not problem:
                return cls(place, is_shared=True)
            problems.append(problem)
        return cls(own, problem=problems[0])

    def lock(self, name: str) -> int | None:
        """Lock a file of that name, made if it is not there, for as long as it stays open.

        Returns:
            Its descriptor; None when another has it.
        """
        for _try in range(_TRIES):
            descriptor = self._open(name, make=True)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_there(descriptor, name):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                return None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its owner deleted it meanwhile: the next one locks another file
        return None

    def status(self, name: str) -> tuple[os.stat_result, bool] | None:
        """What a lock file is, and whether somebody has it; None when it is not there."""
        try:
            descriptor = self._open(name, make=False)
        except OSError:
            return None
        try:
            # Shared, so that two who look do not see each other.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return os.fstat(descriptor), True
        else:
            return os.fstat(descriptor), False
        finally:
            os.close(descriptor)

    def stat(self, name: str) -> os.stat_result | None:
        """What a file is, without opening it; None when it is not there."""
        try:
            with self._opened() as folder:
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            return None

    def read(self, name: str) -> Kept | None:
        """What a file says; None when it is not there, or is none that a user wrote."""
        try:
            descriptor = self._open(name, make=False)
        except OSError:
            return None
        try:
            text = os.read(descriptor, MAX_BYTES).decode("utf-8", "replace")
            return Kept(text, os.fstat(descriptor).st_uid)
        finally:
            os.close(descriptor)

    def write(self, name: str, text: str) -> None:
        """Put a file of this user in place, whole, for all to read."""
        made = f".{uuid.uuid4().hex}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN
        with self._opened(make=True) as folder:
            descriptor = os.open(made, flags, 0o600, dir_fd=folder)
            try:
                try:
                    os.write(descriptor, text.encode())
                    os.fchmod(descriptor, 0o644)
                finally:
                    os.close(descriptor)
                os.replace(made, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(made, dir_fd=folder)
                raise

    def empty(self, name: str) -> None:
        """Take away what a file says; it stays its owner's."""
        with self._opened() as folder:
            os.close(os.open(name, os.O_WRONLY | os.O_TRUNC | _OPEN, dir_fd=folder))

    def remove(self, name: str) -> None:
        """Delete a file of this user."""
        with self._opened() as folder:
            os.unlink(name, dir_fd=folder)

    def names(self) -> Sequence[str]:
        """The names of all files; none where there is no folder."""
        try:
            with self._opened() as folder:
                return os.listdir(folder)  # noqa: PTH208 - of a descriptor
        except OSError:
            return ()

    def _open(self, name: str, *, make: bool) -> int:
        """Open a file for reading, which is enough to lock it."""
        deadline = time.monotonic() + _MADE_WITHIN_SECONDS
        while True:
            try:
                descriptor = self._open_once(name, make=make)
            except (FileExistsError, FileNotFoundError):
                # Another made it in this moment, or the folder went.
                if not make or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)
                continue
            except OSError as error:
                raise self._refused(name, error.errno, error.strerror) from error
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
            os.close(descriptor)
            raise self._refused(name, errno.EINVAL, "not a plain file")

    def _refused(self, name: str, number: int | None, reason: str | None) -> OSError:
        """That a file is no good: which, why, and who can delete it, as only its user may."""
        found = self.stat(name)
        who = user_name(found.st_uid) if found else ""
        advice = f" (it is of {who}: {who} or root can delete it)" if who else ""
        return OSError(number, f"{reason}{advice}", str(self.path / name))

    def _open_once(self, name: str, *, make: bool) -> int:
        with self._opened(make=make) as folder:
            try:
                return os.open(name, os.O_RDONLY | _OPEN, dir_fd=folder)
            except FileNotFoundError:
                if not make:
                    raise
            # In place only when all may read it: who is killed on the way shuts nobody out.
            made = f".{uuid.uuid4().hex}"
            flags = os.O_RDONLY | os.O_CREAT | os.O_EXCL | _OPEN
            descriptor = os.open(made, flags, 0o644, dir_fd=folder)
            try:
                os.fchmod(descriptor, 0o644)  # whatever the umask
                os.link(made, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            except BaseException:
                os.close(descriptor)
                raise
            finally:
                os.unlink(made, dir_fd=folder)
            return descriptor

    def _is_there(self, descriptor: int, name: str) -> bool:
        there = self.stat(name)
        return there is not None and os.path.samestat(os.fstat(descriptor), there)

    @contextlib.contextmanager
    def _opened(self, *, make: bool = False) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags)
        except FileNotFoundError:
            if not make:
                raise
            if self.is_shared:
                _make(self.path)  # who tidies such folders up took it away
            else:
                self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, flags)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _prepare(path: Path) -> str:
    """Make a folder that all users share, if it is not there: why it is no good, else empty."""
    try:
        if not os.path.lexists(path):
            _make(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if os.path.lexists(path):
            return f"{path} is not a folder that all may use; delete it: sudo rm -r {path}"
        return f"{path}: {error.strerror}; have it made: sudo install -d -m 1777 {path}"
    try:
        return _examine(path, descriptor)
    finally:
        os.close(descriptor)


def _examine(path: Path, descriptor: int) -> str:
    """Why a folder is none for all users; empty for a good one. One's own is put right."""
    found = os.fstat(descriptor)
    is_safe = bool(found.st_mode & stat.S_ISVTX) or not found.st_mode & 0o022
    if is_safe and os.access(".", os.W_OK | os.X_OK, dir_fd=descriptor):
        return ""
    if found.st_uid == os.geteuid():
        try:
            os.fchmod(descriptor, _MODE)
        except OSError as error:
            return f"{path}: {error.strerror}"
        return ""
    what = "cannot be written" if is_safe else "anybody may delete another's files in it"
    mode = stat.S_IMODE(found.st_mode)
    return f"{path}: {what} (mode {mode:04o} of {user_name(found.st_uid)}); sudo chmod 1777 {path}"


def _make(path: Path) -> None:
    """Make a folder of the right mode in one step, so that nobody ever sees another one."""
    made = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    made.mkdir(0o700)
    try:
        made.chmod(_MODE)
        made.rename(path)
    except OSError:
        made.rmdir()
        if not path.is_dir():  # else another user was faster
            raise
