"""Times as people read them: of this machine, or in UTC by a setting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine import show_utc
from tui.presentation.units import clock, day, day_and_clock, period

AT = datetime(2026, 2, 28, 23, 30, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_india(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone in which neither hour nor minute is that of UTC."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    show_utc(False)
    monkeypatch.undo()
    time.tzset()


def test_times_are_of_this_machine() -> None:
    assert clock(AT) == "05:00"
    assert clock(AT, seconds=True) == "05:00:07"
    assert day_and_clock(AT) == "2026-03-01 05:00"
    assert day(AT) == "2026-03-01"


def test_times_are_in_utc_by_the_setting() -> None:
    show_utc(True)

    assert clock(AT) == "23:30Z"
    assert day_and_clock(AT, seconds=True) == "2026-02-28 23:30:07Z"
    assert day(AT) == "2026-02-28"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0.5, "0.5 min"), (90, "90 min"), (120, "2 h"), (2160, "36 h"), (2880, "2 d"),
     (1e6 + 1, "1,000,001 min")],
)  # fmt: skip
def test_a_period_is_exact(minutes: float, text: str) -> None:
    assert period(minutes) == text
