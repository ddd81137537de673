"""Ending with the process that started this one, also while this one computes."""

from __future__ import annotations

import ctypes
import signal

_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends (PR_SET_PDEATHSIG(2const)).

    It is for a process whose standard input ends with its parent, but which may not come to read
    that. The kernel takes the thread that started this process for the parent: it has to live as
    long.
    """
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
