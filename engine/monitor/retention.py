"""How long sessions are kept: the newest stay, up to an age and a size of all together.

No session goes for its age while the clock cannot be believed, as after a leap ahead.
A session that is being written stays whatever it is. That is known by the lock on its file: those
of other processes stay, too.
"""

from __future__ import annotations

import fcntl
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from engine.clock import DAY_SECONDS, EARLIEST_TIME, is_believable
from engine.monitor.sessions import KeptFile, kept_files

_CLOCK = ".clock"


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long sessions are kept.

    Args:
        days: since the last byte of a session; 0 for ever.
        size: bytes of all sessions together, with what lies beside them; 0 for any.
    """

    days: float = 90.0
    size: int = 4 << 30


def tidy(folder: Path, limits: SessionLimits, *, now: float) -> int:
    """Remove the sessions that are too old, then the oldest that are too much.

    Args:
        folder: where sessions are kept.
        limits: what is kept.
        now: seconds since the epoch.

    Returns:
        How many were removed. What cannot be removed stays.
    """
    by_session: dict[str, list[KeptFile]] = defaultdict(list)
    for file in kept_files(folder):
        by_session[file.session].append(file)
    has_ages = bool(limits.days and by_session) and is_believable(folder / _CLOCK, now)
    total = removed = 0
    for session in sorted(by_session, reverse=True):
        files = by_session[session]
        changed = max(file.changed for file in files)
        total += sum(file.size for file in files)
        too_old = (
            has_ages and changed >= EARLIEST_TIME and now - changed > limits.days * DAY_SECONDS
        )
        if too_old or (limits.size and total > limits.size):
            removed += _remove(files)
    return removed


def _remove(files: list[KeptFile]) -> bool:
    """Remove a session unless it is being written; its ``.raw``, by which it is listed, last."""
    files = sorted(files, key=lambda file: file.path.endswith(".raw"))
    raw = Path(files[-1].path)
    try:
        with raw.open("rb") as locked:
            fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for file in files:
                Path(file.path).unlink(missing_ok=True)
    except OSError:
        return False
    return True
