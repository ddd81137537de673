"""Times of day on a machine whose clock may be set, or has no battery and starts in 1970.

How long something took is measured by a clock that only runs (:class:`Stopwatch`). What is deleted
because of its age is deleted only while the clock can be believed (:func:`is_believable`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

DAY_SECONDS = 86400.0

EARLIEST_TIME = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
"""Seconds since the epoch, when there was no espdeck yet. A clock without a battery begins
in 1970: what is written then has no age."""

_LEAP_SECONDS = 7 * DAY_SECONDS  # seconds ahead between two looks that are no ordinary pause
_MAX_STATE_BYTES = 64  # bytes of the file

_zone: tzinfo | None = None
"""Zone of the times that people read; None is this machine's."""


def show_utc(is_utc: bool) -> None:
    """Choose the zone of all times that people read, by the setting ``utc``.

    It is one for the process, as ``TZ`` is: called when settings are read, from one thread.
    """
    global _zone
    _zone = UTC if is_utc else None


def shown_time(at: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    """A time in the zone that people chose; ``Z`` marks UTC, as ISO 8601 does.

    Args:
        at: with its zone.
        form: as ``strftime`` has it.
    """
    return f"{at.astimezone(_zone):{form}}{'Z' if _zone is UTC else ''}"


class Stopwatch:
    """Times of day since now that run evenly, whatever the clock is set to meanwhile.

    Args:
        now: the time of day, in UTC.
        monotonic: seconds of a clock that only runs.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.started = now()
        self._monotonic = monotonic
        self._began = monotonic()

    def now(self) -> datetime:
        """The time at which it started, and what has passed since."""
        return self.started + timedelta(seconds=self._monotonic() - self._began)


def is_believable(state_file: Path, now: float) -> bool:
    """Whether ages may be told by the clock; ask it before something is deleted for its age.

    A clock that went ahead by more than a week since the last look may be wrong: it has to go on
    from there for a day. A machine that was off for a week deletes what is old a day later.

    Args:
        state_file: file that keeps what was seen; its folder is there. Untrusted.
        now: seconds since the epoch.
    """
    seen, leapt = _read(state_file)
    if seen and now - seen > _LEAP_SECONDS:
        leapt = now
    elif now < leapt or now - leapt >= DAY_SECONDS:
        leapt = 0.0
    # Where it cannot be kept nothing is deleted, as after a leap.
    return _write(state_file, now, leapt) and not leapt and now >= EARLIEST_TIME


def _read(state_file: Path) -> tuple[float, float]:
    try:
        with state_file.open("rb") as file:
            seen, leapt = map(int, file.read(_MAX_STATE_BYTES).split())
    except (OSError, ValueError):
        return 0.0, 0.0
    return float(seen), float(leapt)


def _write(state_file: Path, seen: float, leapt: float) -> bool:
    new = state_file.with_name(f"{state_file.name}.{os.getpid()}")
    try:
        new.write_text(f"{int(seen)} {int(leapt)}\n", "ascii")
        new.replace(state_file)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        return False
    return True
