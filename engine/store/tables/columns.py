"""What the tables have in common: types and defaults of columns, and times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, DateTime, Dialect, Enum, TypeDecorator, false


def utc_now() -> datetime:
    """The time now, in UTC and aware of it."""
    return datetime.now(UTC)


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from one time to another, never less than none: the clock may have been set."""
    return max(0.0, (end - start).total_seconds()) if start and end else None


AUTOINCREMENT = {"sqlite_autoincrement": True}
"""The id of a row that was deleted never comes again: others know it, and would take one for the
other."""


class UtcDateTime(TypeDecorator[datetime]):
    """SQLite forgets time zones: store UTC, give back aware UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware time into UTC without a zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def enum_type(kind: type[Any]) -> Enum:
    """The type of a column of an enum: its values as text, which the database does not check."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def flag_column() -> Any:
    """A column of flags, not set in rows that are older than it."""
    return Column(Boolean, nullable=False, server_default=false())


def time_column(*, nullable: bool = True) -> Any:
    """A column of times."""
    return Column(UtcDateTime(), nullable=nullable)


def json_list() -> Any:
    """A column of lists as JSON, empty in rows that are older than it."""
    return Column(JSON, nullable=False, server_default="[]")
