"""Amounts as people read them, on the screen and on the command line: bytes, times."""

from __future__ import annotations

from datetime import UTC, datetime


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
