"""Times of schedules on a machine whose clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dbos import _scheduler

from engine.runs.schedule_times import TimesFromNow, start_from_now

START = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = START
        self.times = TimesFromNow(
            "* * * * *", START, second_at_beginning=True, now=lambda: self.now
        )

    def next(self) -> datetime:
        """The next time, to the second."""
        return self.times.get_next(datetime).replace(microsecond=0)


def test_a_clock_that_goes_right_gives_each_minute_once() -> None:
    clock = Clock()
    seen = []
    for _ in range(5):
        seen.append(clock.next())
        clock.now = seen[-1] - timedelta(milliseconds=1)  # woken a moment early
    assert seen == [START.replace(second=0) + timedelta(minutes=each) for each in range(1, 6)]


def test_what_a_clock_leaves_out_is_not_made_up_for_one_by_one() -> None:
    clock = Clock()
    clock.next()
    clock.now += timedelta(days=365)
    assert clock.next() == datetime(2027, 11, 28, 12, 1, tzinfo=UTC)


def test_a_clock_that_is_set_back_makes_nobody_wait_and_no_name_is_used_twice() -> None:
    clock = Clock()
    first = clock.times.get_next(datetime)
    clock.now -= timedelta(days=1)
    assert clock.next() == datetime(2026, 11, 27, 12, 1, tzinfo=UTC)
    clock.now = START
    again = clock.times.get_next(datetime)
    assert first.replace(microsecond=0) == again.replace(microsecond=0)
    assert first != again


def test_dbos_makes_its_times_as_ours_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scheduler, "croniter", None)
    start_from_now()
    made = vars(_scheduler)["croniter"]("* * * * *", datetime.now(UTC), second_at_beginning=True)
    left = made.get_next(datetime) - datetime.now(UTC)
    assert timedelta(seconds=-1) < left <= timedelta(seconds=61)
