"""Times as cron(8) names them, such as ``0 3 * * *``, in the time zone of this machine.

``croniter`` reads the five fields (crontab(5)) and counts on a clock that is never set; what the
local clock does twice a year is seen to here. A time that the clock skips comes as much later as
was skipped; one that it shows twice comes once.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from engine.errors import UsageError

MAX_CHARACTERS = 100
"""Characters of a schedule."""

MIN_MINUTES_BETWEEN = 5
"""Minutes that are at least between two times of a schedule."""

_FIELDS = 5
_WORD = re.compile(r"[0-9*,/?#-]|L|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
                   r"|SUN|MON|TUE|WED|THU|FRI|SAT", re.IGNORECASE)  # fmt: skip
_ALIASES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_SHIFT = timedelta(hours=26)
"""More than any clock was ever set by at once: a zone that changes sides of the date line."""

_FIRST = datetime(2023, 12, 31, 23, 59)  # before the first minute of a year
_LOOKED_AT = 100  # times of a schedule between which the distance is looked at


class Schedule:
    """Times at which something is done."""

    def __init__(self, text: str) -> None:
        """Read a schedule.

        Args:
            text: minute, hour, day of the month, month, day of the week; or ``@daily`` and the
                like. Untrusted.

        Raises:
            UsageError: it makes no sense, comes never, or too often; one line.
        """
        from croniter import CroniterError, croniter  # 40 ms, and few projects have one

        if len(text) > MAX_CHARACTERS:
            raise UsageError(f"a schedule has at most {MAX_CHARACTERS} characters")
        self.text = text = " ".join(text.split())
        shown = repr(text)
        fields = text.split(" ")
        if text.lower() not in _ALIASES and (
            len(fields) != _FIELDS or any(_WORD.sub("", field) for field in fields)
        ):
            raise UsageError(
                f"{shown} is not a schedule: minute, hour, day, month and weekday, "
                "as in '0 3 * * *'"
            )
        try:
            times = croniter(text.lower(), _FIRST)
            first = [times.get_next(datetime) for _time in range(2)]
            while len(first) < _LOOKED_AT and first[-1] - first[-2] < timedelta(days=1):
                first.append(times.get_next(datetime))
        except (CroniterError, ValueError) as error:
            # It names the text again, in brackets or before a dash, and does not end its sentence.
            why = str(error).replace(f"[{text.lower()}]", "").strip(" -.") or "it is not valid"
            if why.startswith("is not acceptable"):
                why = f"a field {why}"
            if "failed to find" in why:
                why = "no such day exists"
            raise UsageError(f"{shown} is not a schedule: {why[:200]}") from error
        least = min(later - earlier for earlier, later in itertools.pairwise(first))
        if least < timedelta(minutes=MIN_MINUTES_BETWEEN):
            raise UsageError(
                f"{shown} comes every {least.total_seconds() / 60:g} min: "
                f"{MIN_MINUTES_BETWEEN} min at least must be between two times"
            )

    def next_after(self, when: datetime, zone: tzinfo | None = None) -> datetime:
        """The first time after a moment.

        Args:
            when: the moment, aware of its zone.
            zone: in which the schedule counts; None for this machine's.

        Returns:
            In UTC.
        """
        wall = when.astimezone(zone).replace(tzinfo=None)
        found: datetime | None = None
        # Where the clock is set, times do not come in the order of what it shows.
        for shown in self._from(wall - _SHIFT):
            if found is not None and shown > wall + _SHIFT:
                break
            # Of a time that was skipped, astimezone() of a local one gives an earlier moment.
            moment = datetime.fromtimestamp(shown.replace(tzinfo=zone).timestamp(), UTC)
            if moment > when and (found is None or moment < found):
                found = moment
        assert found is not None
        return found

    def _from(self, shown: datetime) -> Iterator[datetime]:
        """What a clock shows at each time after one."""
        from croniter import croniter

        times = croniter(self.text.lower(), shown)
        while True:
            yield times.get_next(datetime)
