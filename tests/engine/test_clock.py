"""A step of the clock changes no duration and deletes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.clock import DAY_SECONDS, Stopwatch, is_believable

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW = NOON.timestamp()


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1), timedelta(days=-20000)])
def test_a_stopwatch_runs_on_when_the_clock_is_set(step: timedelta) -> None:
    times, seconds = iter([NOON, NOON + step]), iter([100.0, 102.5])
    watch = Stopwatch(lambda: next(times), lambda: next(seconds))

    assert watch.started == NOON
    assert watch.now() - watch.started == timedelta(seconds=2.5)


def test_a_clock_that_goes_is_believed(tmp_path: Path) -> None:
    mark = tmp_path / "clock"

    assert all(
        is_believable(mark, NOW + passed)
        for passed in (0, 1, DAY_SECONDS, 7 * DAY_SECONDS, 13 * DAY_SECONDS)
    )


def test_a_leap_ahead_is_not_believed_for_a_day(tmp_path: Path) -> None:
    mark = tmp_path / "clock"
    assert is_believable(mark, NOW)
    later = NOW + 100 * DAY_SECONDS

    looks = [
        is_believable(mark, later + passed)
        for passed in (0, 60, DAY_SECONDS - 1, DAY_SECONDS, DAY_SECONDS + 60)
    ]

    assert looks == [False, False, False, True, True]


def test_a_leap_that_is_taken_back_is_over(tmp_path: Path) -> None:
    mark = tmp_path / "clock"

    looks = [is_believable(mark, NOW + passed) for passed in (0, 100 * DAY_SECONDS, 60, 120)]

    assert looks == [True, False, True, True]


def test_a_machine_without_a_clock_knows_no_ages_until_it_is_set(tmp_path: Path) -> None:
    mark = tmp_path / "clock"

    looks = [is_believable(mark, at) for at in (20.0, 30.0, NOW, NOW + 60, NOW + DAY_SECONDS)]

    assert looks == [False, False, False, False, True]


@pytest.mark.parametrize("text", [b"", b"\0\xff", b"1", b"1 2 3", b"9" * 100, b"nan 1", b"1e9 0"])
def test_what_nobody_wrote_is_as_nothing(tmp_path: Path, text: bytes) -> None:
    mark = tmp_path / "clock"
    mark.write_bytes(text)

    assert is_believable(mark, NOW)
    assert is_believable(mark, NOW + 60)


def test_where_nothing_can_be_kept_nothing_has_an_age(tmp_path: Path) -> None:
    assert not is_believable(tmp_path / "gone" / "clock", NOW)
