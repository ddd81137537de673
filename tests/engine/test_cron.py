"""When a schedule comes: through the days on which clocks are set, and what is no schedule."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cron import MIN_MINUTES_BETWEEN, Schedule
from engine.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
"""Set forward on 2025-03-30 from 02:00 to 03:00, back on 2025-10-26 from 03:00 to 02:00."""


def times(text: str, start: str, count: int, zone: str = "Europe/Berlin") -> list[str]:
    """The next times after one of a zone, as its clock shows them."""
    schedule, place = Schedule(text), ZoneInfo(zone)
    when, found = datetime.fromisoformat(start).replace(tzinfo=place), []
    for _time in range(count):
        when = schedule.next_after(when, place)
        found.append(f"{when.astimezone(place):%m-%d %H:%M %z}")
    return found


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("0 3 * * *", "2025-03-29 12:00", ["03-30 03:00 +0200", "03-31 03:00 +0200"]),
        # 02:30 is skipped by the clock: it comes as much later as was skipped, and once.
        ("30 2 * * *", "2025-03-29 12:00", ["03-30 03:30 +0200", "03-31 02:30 +0200"]),
        ("30 2,3 * * *", "2025-03-30 01:00", ["03-30 03:30 +0200", "03-31 02:30 +0200"]),
        # 02:30 is shown twice: the first counts.
        ("30 2 * * *", "2025-10-25 12:00", ["10-26 02:30 +0200", "10-27 02:30 +0100"]),
        ("0 0 * * *", "2025-03-29 12:00", ["03-30 00:00 +0100", "03-31 00:00 +0200"]),
        (
            "0 * * * *",
            "2025-03-30 00:30",
            ["03-30 01:00 +0100", "03-30 03:00 +0200", "03-30 04:00 +0200"],
        ),
        (
            "0 * * * *",
            "2025-10-26 01:30",
            ["10-26 02:00 +0200", "10-26 03:00 +0100", "10-26 04:00 +0100"],
        ),
        ("1 2 * * *", "2020-03-29 01:59", ["03-29 03:01 +0200", "03-30 02:01 +0200"]),
        ("0 4 * * mon", "2025-11-01 00:00", ["11-03 04:00 +0100", "11-10 04:00 +0100"]),
        ("0 4 L * *", "2025-02-01 00:00", ["02-28 04:00 +0100", "03-31 04:00 +0200"]),
        ("@daily", "2025-11-01 00:00", ["11-02 00:00 +0100"]),
        ("0 3 29 2 *", "2025-01-01 00:00", ["02-29 03:00 +0100"]),
    ],
)
def test_a_time_comes_once_whatever_the_clock_does(
    text: str, start: str, expected: list[str]
) -> None:
    assert times(text, start, len(expected)) == expected


def test_the_zone_of_this_machine_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        for text in ("30 2 * * *", "0 * * * *", "0 3 * * *"):
            for day in ("2025-03-29T20:00", "2025-10-25T20:00"):
                when = datetime.fromisoformat(f"{day}+00:00")
                for _time in range(6):
                    found = Schedule(text).next_after(when)
                    assert found == Schedule(text).next_after(when, BERLIN)
                    when = found
    time.tzset()


def test_a_zone_that_skips_a_day_has_its_next_time() -> None:
    # Samoa had no 2011-12-30.
    assert times("0 3 * * *", "2011-12-29 12:00", 2, "Pacific/Apia") == [
        "12-31 03:00 +1400",
        "01-01 03:00 +1400",
    ]


def test_a_day_that_begins_at_one_has_its_midnight_then() -> None:
    # The clock of Havana is set forward at midnight.
    assert times("0 0 * * *", "2025-03-08 12:00", 2, "America/Havana") == [
        "03-09 01:00 -0400",
        "03-10 00:00 -0400",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "minute, hour, day, month and weekday"),
        ("0 3 * *", "minute, hour, day, month and weekday"),
        ("0 0 3 * * *", "minute, hour, day, month and weekday"),
        ("R R * * *", "minute, hour, day, month and weekday"),
        ("H 3 * * *", "minute, hour, day, month and weekday"),
        ("@reboot", "minute, hour, day, month and weekday"),
        ("every night", "minute, hour, day, month and weekday"),
        ("0 24 * * *", "not a schedule: a field is not acceptable, out of range"),
        ("61 3 * * *", "out of range"),
        ("0 0 31 2 *", "no such day exists"),
        ("* * * * *", "comes every 1 min: 5 min at least"),
        ("0,3 4 * * *", "comes every 3 min"),
        ("0,2 0 1 1 *", "comes every 2 min"),
        ("0 3 * * *" + " " * 200 + "x", "at most 100 characters"),
        ("\x1b[31m 3 * * *", "minute, hour, day, month and weekday"),
    ],
)
def test_what_is_no_schedule_is_told_in_a_line(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as told:
        Schedule(text)
    assert "\n" not in str(told.value)
    assert "\x1b" not in str(told.value)


@given(st.text(alphabet="0123456789*,/-#?L@ adinouy", max_size=30))
def test_any_text_is_a_schedule_or_told(text: str) -> None:
    try:
        schedule = Schedule(text)
    except UsageError:
        return
    assert schedule.next_after(datetime(2025, 1, 1, tzinfo=UTC), UTC)


@given(st.integers(0, 59), st.integers(0, 23), st.integers(0, 365 * 24 * 60))
def test_a_daily_time_is_never_more_than_a_day_and_an_hour_away(
    minute: int, hour: int, start: int
) -> None:
    when = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    found = Schedule(f"{minute} {hour} * * *").next_after(when, BERLIN)
    assert timedelta(0) < found - when <= timedelta(hours=25 + MIN_MINUTES_BETWEEN)
