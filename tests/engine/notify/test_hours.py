"""Quiet hours by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr, ValidationError

from engine.notification_settings import ChannelSettings
from engine.notify.hours import quiet_until


def channel(hours: str, zone: str = "Europe/Berlin") -> ChannelSettings:
    return ChannelSettings(url=SecretStr("json://h"), quiet_hours=hours, time_zone=zone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        # Berlin is UTC+1 in winter: quiet from 21:00 to 06:00 UTC.
        ("22:00-07:00", "2026-01-10T20:59:59", None),
        ("22:00-07:00", "2026-01-10T21:00", "2026-01-11T06:00"),
        ("22:00-07:00", "2026-01-11T00:30", "2026-01-11T06:00"),
        ("22:00-07:00", "2026-01-11T05:59:59", "2026-01-11T06:00"),
        ("22:00-07:00", "2026-01-11T06:00", None),
        ("12:00-13:30", "2026-01-11T11:00", "2026-01-11T12:30"),
        # The night to 2026-03-29 is an hour shorter, that to 2026-10-25 an hour longer.
        ("22:00-07:00", "2026-03-28T22:00", "2026-03-29T05:00"),
        ("22:00-07:00", "2026-10-24T21:00", "2026-10-25T06:00"),
        # 02:30 is left out in spring (it is then 03:30, 01:30 UTC), and there twice in autumn.
        ("22:00-02:30", "2026-03-29T01:00", "2026-03-29T01:30"),
        ("22:00-02:30", "2026-10-25T00:10", "2026-10-25T00:30"),
        ("22:00-02:30", "2026-10-25T00:40", None),
    ],
)
def test_quiet_hours(hours: str, now: str, until: str | None) -> None:
    expected = None if until is None else at(until)

    assert quiet_until(channel(hours), at(now)) == expected


def test_without_quiet_hours_it_is_never_quiet() -> None:
    assert quiet_until(channel(""), at("2026-01-01T00:00")) is None


@pytest.mark.parametrize(
    ("hours", "zone", "said"),
    [
        ("22-7", "", "not a range of hours"),
        ("07:00-07:00", "", "begin and end"),
        ("22:00-24:00", "", "not a range of hours"),
        ("22:00-07:00", "Mars/Base", "no time zone is called Mars/Base"),
        ("22:00-07:00", "../etc/passwd", "no time zone is called"),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours: str, zone: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        channel(hours, zone)
