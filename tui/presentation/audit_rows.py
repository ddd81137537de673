"""Entries of the audit log as rows and texts, for the screen and for the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.presentation.notification_rows import local_time
from tui.presentation.tables import Row

if TYPE_CHECKING:
    from engine import AuditRow
    from tui.widgets.row_list import Parts

HEAD: Row = ("TIME", "WHO", "FROM", "STATUS", "WHAT")

_NOBODY = "-"
_FAILED = 400


def audit_row(entry: AuditRow) -> Row:
    """An entry as a row of a table."""
    return (
        local_time(entry.at),
        entry.actor or _NOBODY,
        entry.address or _NOBODY,
        _status(entry),
        _what(entry),
    )


def audit_parts(entry: AuditRow, width: int) -> Parts:
    """An entry as a row of a list."""
    colour = "bad" if entry.status >= _FAILED else "good"
    address = [(f"{entry.address or _NOBODY:<16.16} ", "dim")] if width >= 80 else []
    return [
        (f" {local_time(entry.at)[5:]} ", "dim"),
        (f"{_status(entry):>3} ", colour),
        (f"{entry.actor or _NOBODY:<14.14} ", ""),
        *address,
        (_what(entry), ""),
    ]


def audit_text(entry: AuditRow) -> str:
    """The whole of an entry."""
    lines = (
        ("time", f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("who", entry.actor or "nobody that is known"),
        ("from", entry.address or "this machine"),
        ("what", entry.action),
        ("to", entry.subject or _NOBODY),
        ("status", _status(entry)),
        ("detail", entry.detail or _NOBODY),
    )
    return "\n".join(f"{name:<7} {text}" for name, text in lines)


def _status(entry: AuditRow) -> str:
    return str(entry.status) if entry.status else _NOBODY


def _what(entry: AuditRow) -> str:
    subject = f": {entry.subject}" if entry.subject else ""
    detail = f" ({entry.detail})" if entry.detail else ""
    return f"{entry.action}{subject}{detail}"
