"""How much memory a program and all that it started have."""

from __future__ import annotations

import os
import time
from pathlib import Path

from engine.processes.members import descendants, living_processes

LOOK_SECONDS = 0.5
"""Between two looks; a look walks through ``/proc``, some milliseconds."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class MemoryGuard:
    """Looks from time to time whether a program has more memory than it may.

    Args:
        pid: of the process that all others of the program descend from.
        most: bytes.
    """

    def __init__(self, pid: int, most: int) -> None:
        self._pid = pid
        self._most = most
        self._looked = 0.0
        self.exceeded = 0
        """Bytes that it had when it had too many; 0 while it never had."""

    def is_exceeded(self) -> bool:
        """Whether it has more than it may, or ever had."""
        now = time.monotonic()
        if not self.exceeded and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            used = resident_bytes(self._pid)
            self.exceeded = used if used > self._most else 0
        return bool(self.exceeded)


def resident_bytes(pid: int) -> int:
    """Bytes that a process and its descendants have in memory; what they share counts for each."""
    among = living_processes()
    pids = [pid, *(member.pid for member in descendants(pid, among))]
    return sum(map(_resident_bytes, pids))


def _resident_bytes(pid: int) -> int:
    """Of one process: the second word of ``/proc/PID/statm``, in pages (proc_pid_statm(5))."""
    try:
        with Path(f"/proc/{pid}/statm").open("rb") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0  # it has ended
