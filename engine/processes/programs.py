"""Which program of which user a process is, and which processes lock a file, as the system says.

Nothing here is what somebody wrote down about himself: the owner of a process and of its locks is
the kernel's word (proc_pid_status(5), proc_locks(5)). Where it hides them, as from another
container or with ``hidepid``, nobody is known.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.text import clean

_LOCKS = Path("/proc/locks")
_KINDS = ("FLOCK", "POSIX")
_MIN_LOCK_FIELDS = 8  # of a line of it


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A living process: its number, its name (untrusted, cleaned), its user's id.

    Args:
        started_by: the user who started it, another one where it has its program's owner's rights.
    """

    pid: int
    name: str
    uid: int
    started_by: int

    def __str__(self) -> str:
        """For people; another's user is named."""
        whose = f" of {user_name(self.uid)}" if self.uid != os.geteuid() else ""
        return f"{self.name} (process {self.pid}){whose}"


def process_info(pid: int) -> ProcessInfo | None:
    """Who has a number now; None when nobody has, or the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = dict(line.partition(":\t")[::2] for line in text.splitlines())
    if fields.get("State", "Z")[:1] in "ZX":
        return None
    real, effective = map(int, fields["Uid"].split()[:2])
    return ProcessInfo(pid, clean(fields.get("Name", ""))[:40], effective, real)


def is_running(pid: int) -> bool:
    """Whether a number is a process's, which the system tells of those that it hides too."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


@functools.lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    """A user's name, or ``user 1000`` for one who has none."""
    try:
        return clean(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return f"user {uid}"


class HeldLock(NamedTuple):
    """A lock on a file.

    Args:
        kind: ``FLOCK`` of flock(2), ``POSIX`` of fcntl(2).
        writes: whether it is for one alone.
        pid: the process that took it, which may be dead where a child inherited it.
        device, inode: of the file; the device as ``MAJOR:MINOR``, in hexadecimal.
        start: its first byte.
    """

    kind: str
    writes: bool
    pid: int
    device: str
    inode: int
    start: int


def held_locks() -> Iterator[HeldLock]:
    """The locks on files that are held now; none where the kernel does not tell."""
    try:
        lines = _LOCKS.read_text("ascii", "replace").splitlines()
    except OSError:
        return
    for words in map(str.split, lines):
        # "1: FLOCK ADVISORY WRITE 77 00:19:42 0 EOF"; who waits for a lock has a "->" more.
        if len(words) == _MIN_LOCK_FIELDS and words[1] in _KINDS:
            device, _, inode = words[5].rpartition(":")
            with contextlib.suppress(ValueError):
                yield HeldLock(
                    *(words[1], words[3] == "WRITE", int(words[4])),
                    *(device, int(inode), int(words[6])),
                )


def lockers(file: os.stat_result) -> Sequence[int]:
    """The processes that lock a file or device for themselves, by number.

    A lock that a child inherited has the number of the process that took it, which may be dead.
    """
    device = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}"
    return [
        lock.pid
        for lock in held_locks()
        if lock.writes and (lock.device, lock.inode) == (device, file.st_ino)
    ]
