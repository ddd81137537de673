"""Which process is meant, for as long as the machine is up: a number alone is used again.

A process is told by its number, by when it started in clock ticks since the boot (field 22 of
``/proc/PID/stat``, proc_pid_stat(5)), and by the boot (``/proc/sys/kernel/random/boot_id``,
random(4)). None of them moves when somebody sets the clock, as times of day do.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STATE, _TICKS = 0, 19  # of the words after the program's name, which begin with field 3
_DEAD = ("Z", "X")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process of one boot.

    Args:
        pid: its number.
        ticks: when it started, in clock ticks since the boot.
        boot: id of the boot.
    """

    pid: int
    ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Who has a number now; None when there is no such process, or it is dead."""
        words = _stat(pid)
        if words is None or words[_STATE] in _DEAD:
            return None
        return cls(pid, int(words[_TICKS]), _boot())

    @classmethod
    def own(cls) -> ProcessIdentity:
        """This process."""
        identity = cls.of(os.getpid())
        assert identity is not None
        return identity

    @classmethod
    def parse(cls, text: str) -> ProcessIdentity | None:
        """Read what ``str`` wrote; None when it is something else.

        Args:
            text: as it was kept in a file. Untrusted.
        """
        words = text.split(" ")
        if len(words) != 3 or not all(
            word.isascii() and word.isdigit() and len(word) < 20 for word in words[:2]
        ):
            return None
        return cls(int(words[0]), int(words[1]), words[2])

    def __str__(self) -> str:
        return f"{self.pid} {self.ticks} {self.boot}"

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return ProcessIdentity.of(self.pid) == self


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The program's name stands in parentheses and may hold any character, parentheses too.
    return text[text.rindex(")") + 2 :].split()


@functools.cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return "-"  # hidden by a container: numbers and ticks must do
