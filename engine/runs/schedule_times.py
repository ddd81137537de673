"""Times at which DBOS starts what is scheduled: the next one from now, whatever the clock did.

DBOS's scheduler counts on from the last time at which it started something. Where the clock is set
forward (a machine that slept, or that has no battery for its clock and asked the network what time
it is), it would start all that lies between at once: half a million times for a year. Where the
clock is set back, it would wait until the time comes again, and then leave out each time whose name
it knows.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from croniter import croniter
from dbos import _scheduler


class TimesFromNow:
    """Times of a cron expression, each the next one from now; no two of them are the same.

    DBOS names what it starts by its time, and starts nothing of a name that was there: a part of a
    second tells apart what a clock that was set back shows twice.

    Args:
        expression: as :class:`croniter.croniter` takes it, with what else it takes.
        now: the clock.
    """

    def __init__(
        self,
        expression: str,
        *given: Any,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        **named: Any,
    ) -> None:
        self._times = croniter(expression, *given, **named)
        self._now = now
        self._last: datetime | None = None

    def get_next(self, *_: Any, **__: Any) -> datetime:
        """The next time."""
        at: datetime = self._times.get_next(datetime, start_time=self._now())
        if at == self._last:  # who waited for it came a moment early
            at = self._times.get_next(datetime)
        self._last = at
        return at.replace(microsecond=secrets.randbelow(1_000_000))


def start_from_now() -> None:
    """Have DBOS's schedules go by :class:`TimesFromNow`; before it is launched."""
    _scheduler.croniter = TimesFromNow  # type: ignore[attr-defined] # it imports that
