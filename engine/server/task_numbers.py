"""Ids of tasks: numbers that callers treat as opaque texts."""

from __future__ import annotations

from engine.errors import NotFoundError

_MAX_DIGITS = 18  # what SQLite can count to


def task_number(text: str) -> int:
    """The number of a task by its id.

    Raises:
        NotFoundError: no task can have such an id.
    """
    digits = text.strip().removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise NotFoundError(f"no task {text[:40]!r}: the id of a task is its number")
    return int(digits)
