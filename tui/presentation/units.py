"""Amounts as people read them, on the screen and on the command line: bytes, times."""

from __future__ import annotations

from datetime import UTC, datetime

from engine import shown_time


def clock(at: datetime, *, seconds: bool = False) -> str:
    """A time of day as ``15:30``; in UTC as ``15:30Z``.

    Args:
        at: with its zone.
        seconds: show them, as ``15:30:07``.
    """
    return shown_time(at, "%H:%M:%S" if seconds else "%H:%M")


def clock_to_milliseconds(at: datetime) -> str:
    """A time of day as ``15:30:07.250``; in UTC as ``15:30:07.250Z``."""
    return shown_time(at, f"%H:%M:%S.{at.microsecond // 1000:03}")


def day_and_clock(at: datetime, *, seconds: bool = False) -> str:
    """A day and a time of day as ``2026-03-01 15:30``; in UTC as ``2026-03-01 15:30Z``.

    Args:
        at: with its zone.
        seconds: show them.
    """
    return shown_time(at, "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def moment(at: datetime, now: datetime) -> str:
    """A time near now: its clock, with its day where that is another one."""
    return clock(at) if day(at) == day(now) else day_and_clock(at)


def day(at: datetime) -> str:
    """The day of a time, as ``2026-03-01``."""
    return shown_time(at, "%Y-%m-%d").removesuffix("Z")


def utc_now() -> datetime:
    """The time now: the clock of screens that are given none."""
    return datetime.now(UTC)


def change(count: int) -> str:
    """Bytes that came or went, as ``+1,412``; empty for none."""
    return f"{count:+,}" if count else ""


def size(count: int) -> str:
    """Bytes as ``812 B``, ``12.3 KiB``, ``4.0 MiB`` or ``1.5 GiB``."""
    if count < 1024:
        return f"{count} B"
    if count < 1 << 20:
        return f"{count / 1024:.1f} KiB"
    if count < 1 << 30:
        return f"{count / (1 << 20):.1f} MiB"
    return f"{count / (1 << 30):.1f} GiB"


def amount(value: float, unit: str) -> str:
    """A number with its unit: ``12.3 s``, ``4.0 MiB``, ``98 %``, or a number of things.

    Args:
        unit: ``s``, ``bytes``, ``%``, or empty.
    """
    if unit == "bytes":
        return size(round(value))
    if unit == "s":
        return f"{value:.1f} s" if value < 600 else f"{value / 60:.0f} min"
    number = f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    return f"{number} {unit}".rstrip()


def tokens(count_in: int | None, count_out: int | None) -> str:
    """What models were told and said, as ``1,207 tokens in, 342 out``; ``-`` where not counted."""
    told, said = ("-" if each is None else f"{each:,}" for each in (count_in, count_out))
    return f"{told} tokens in, {said} out"


def ago(when: datetime) -> str:
    """How long ago that was, as ``3 min ago``."""
    seconds = (datetime.now(UTC) - when).total_seconds()
    return "now" if seconds < 10 else f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """A time in its largest unit, rounded down, as ``3 min``."""
    whole = max(0, int(seconds))
    for unit, size_of in (("d", 86400), ("h", 3600), ("min", 60)):
        if whole >= size_of:
            return f"{whole // size_of} {unit}"
    return f"{whole} s"


def period(minutes: float) -> str:
    """How long it is from one time to the next, in its largest unit that is exact, as ``36 h``."""
    for unit, size_of in (("d", 1440), ("h", 60)):
        if minutes >= size_of and minutes % size_of == 0:
            return f"{minutes / size_of:,.0f} {unit}"
    return f"{minutes:,.10g} min"


def took(seconds: float) -> str:
    """How long something took, in 7 cells at most: ``4.2 s``, ``41 s``, ``12:05``, ``1:02:03``."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return elapsed(seconds)


def elapsed(seconds: float) -> str:
    """A time that goes on, as ``0:31`` or ``1:02:03``; it changes once a second."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
