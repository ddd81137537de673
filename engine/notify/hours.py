"""Quiet hours: whether it is quiet, and until when, by the clock on the wall of a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from engine.notification_settings import ChannelSettings, parse_hours


def quiet_until(channel: ChannelSettings, now: datetime) -> datetime | None:
    """When the quiet hours of a channel end, in UTC; None where it is not quiet.

    An end that the change to summer time leaves out comes when the clocks have moved on; one that
    there is twice comes the first time (PEP 495, ``fold=0``).
    """
    if not channel.quiet_hours:
        return None
    begin, end = parse_hours(channel.quiet_hours)
    zone: tzinfo | None = ZoneInfo(channel.time_zone) if channel.time_zone else None
    local = now.astimezone(zone)
    for day in (-1, 0):
        first = (local + timedelta(days=day)).date()
        last = first + timedelta(days=1) if end < begin else first
        starts = _utc(datetime.combine(first, begin), zone)
        ends = _utc(datetime.combine(last, end), zone)
        if starts <= now < ends:
            return ends
    return None


def _utc(wall: datetime, zone: tzinfo | None) -> datetime:
    return (wall.replace(tzinfo=zone) if zone is not None else wall).astimezone(UTC)
