"""Which program of which user a process is, and which processes lock a file, as the system says.

Nothing here is what somebody wrote down about himself: the owner of a process and of its locks is
the kernel's word (proc_pid_status(5), proc_locks(5)). Where it hides them, as from another
container or with ``hidepid``, nobody is known.
"""

from __future__ import annotations

import functools
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.text import clean

_LOCKS = Path("/proc/locks")
_KINDS = ("FLOCK", "POSIX")


@dataclass(frozen=True, slots=True)
class Program:
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


def program(pid: int) -> Program | None:
    """Who has a number now; None when nobody has, or the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = dict(line.partition(":\t")[::2] for line in text.splitlines())
    if fields.get("State", "Z")[:1] in "ZX":
        return None
    real, effective = map(int, fields["Uid"].split()[:2])
    return Program(pid, clean(fields.get("Name", ""))[:40], effective, real)


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


def lockers(file: os.stat_result) -> Sequence[int]:
    """The processes that lock a file or device for themselves, by number.

    A lock that a child inherited has the number of the process that took it, which may be dead.
    """
    wanted = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    try:
        lines = _LOCKS.read_text("ascii", "replace").splitlines()
    except OSError:
        return ()
    found = []
    for words in map(str.split, lines):
        # "1: FLOCK ADVISORY WRITE 77 00:19:42 0 EOF"; who waits for a lock has a "->" more.
        if len(words) >= 6 and words[1] in _KINDS and words[3] == "WRITE" and words[5] == wanted:
            found.append(int(words[4]))
    return found
