"""Entries of the audit log, and tokens, as rows and texts: for the screen and for tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tui.presentation.columns import Cell, Column, fit_columns
from tui.presentation.tables import Row
from tui.presentation.units import day_and_clock

if TYPE_CHECKING:
    from engine import AuditRow, TokenRow
    from tui.widgets.row_list import Parts

AUDIT_HEAD: Row = ("TIME", "WHO", "FROM", "STATUS", "WHAT")
TOKEN_HEAD: Row = ("NAME", "SCOPE", "STATUS", "EXPIRES", "LAST USED")

_NOBODY = "-"
_PREFIX = " /api/v1"  # of nearly all: the row says more without it
_COLUMNS = (
    Column("time", 12),
    Column("status", 6),
    Column("who", 16, 8),
    Column("from", 24, 15, rank=1),
    Column("what", 200, 32, grows=True),
)
_FAILED = 400  # the first HTTP status of what was not done


def audit_row(entry: AuditRow) -> Row:
    """An entry as a row of a table."""
    return (
        day_and_clock(entry.at),
        entry.actor or _NOBODY,
        entry.address or _NOBODY,
        _status(entry),
        _did(entry) + (f" ({entry.detail})" if entry.detail else ""),
    )


def audit_head(width: int, cut: str) -> Parts:
    """The heads of the columns of :func:`audit_parts`."""
    return [(" ", ""), *fit_columns(_COLUMNS, width - 1, cut).head()]


def audit_parts(entry: AuditRow, width: int, cut: str) -> Parts:
    """An entry as a row of a list.

    Args:
        cut: the sign at the end of what is cut.
    """
    cells: list[Cell] = [
        [(day_and_clock(entry.at)[5:], "dim")],
        [(_status(entry), "bad" if entry.status >= _FAILED else "good")],
        [(entry.actor or _NOBODY, "")],
        [(entry.address or _NOBODY, "dim")],
        [(_did(entry).replace(_PREFIX, " ", 1), "")],
    ]
    return [(" ", ""), *fit_columns(_COLUMNS, width - 1, cut).row(cells)]


def audit_lines(entry: AuditRow) -> list[tuple[str, str]]:
    """What an entry says, each with its name."""
    return [
        ("time", day_and_clock(entry.at, seconds=True)),
        ("who", f"{entry.actor or 'nobody who is known'}, {entry.address or 'this machine'}"),
        ("what", entry.action),
        ("to", entry.subject or _NOBODY),
        ("status", f"{_status(entry)} {entry.detail}".strip()),
    ]


def audit_text(entry: AuditRow) -> str:
    """The whole of an entry."""
    return "\n".join(f"{name:<7} {text}" for name, text in audit_lines(entry))


def token_row(token: TokenRow, now: datetime) -> Row:
    """A token as a row of a table."""
    return (
        token.name,
        token.scope,
        token.status(now),
        day_and_clock(token.expires_at) if token.expires_at else "never",
        day_and_clock(token.used_at) if token.used_at else "never",
    )


def _status(entry: AuditRow) -> str:
    return str(entry.status) if entry.status else _NOBODY


def _did(entry: AuditRow) -> str:
    return f"{entry.action}: {entry.subject}" if entry.subject else entry.action
