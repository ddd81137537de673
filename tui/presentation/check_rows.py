"""Checks as cells, rows and details: how each is, since when, and what it found."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TYPE_CHECKING

from engine.text import clean
from tui.presentation import check_details
from tui.presentation.strips import wrap
from tui.presentation.units import period, span
from tui.theme import STATE_COLOURS

if TYPE_CHECKING:
    from engine import CheckCell, CheckResultRow
    from tui.state.check_runs import CheckRun
    from tui.theme import Glyphs

LAB = "(lab)"
"""The row of checks that are of no project."""

MAX_DETAIL_ROWS = 500
"""Objects of one list of details that are shown."""

MAX_DETAIL_LINES, MAX_DETAIL_CHARACTERS = 1500, 200_000
"""All that is shown of the details of a result."""


def project_of(cell: CheckCell) -> str:
    """The name of a cell's row."""
    return cell.project.name if cell.project is not None else LAB


def short_name(check: str) -> str:
    """A check in a column's head: ``doc`` for ``doc_check``."""
    return check.removesuffix("_check") or check


def cell_text(
    cell: CheckCell, run: CheckRun | None, glyphs: Glyphs, now: datetime
) -> tuple[str, str]:
    """How a check is, as a sign with an age, and the name of its colour.

    Args:
        run: what the app does with it, None for nothing.
    """
    if run is not None:
        seconds = run.seconds
        doing = "waits" if seconds is None else f"runs {span(seconds)}"
        return f"{glyphs.state('pending' if seconds is None else 'running')} {doing}", "busy"
    if cell.check.problem:
        return f"{glyphs.state('failed')} broken", "bad"
    off = "" if cell.plan.enabled else " off"
    if cell.result is None:
        return f"{glyphs.state('skipped' if off else 'pending')}{off or ' soon'}", "dim"
    status = cell.result.status
    colour = "dim" if off else STATE_COLOURS.get(status, "dim")
    return f"{glyphs.state(status)} {age_of(cell.result, now)}{off}", colour


def age_of(result: CheckResultRow, now: datetime) -> str:
    """How long ago a result was seen to hold."""
    return span((now - result.confirmed_at).total_seconds())


def message_of(cell: CheckCell) -> str:
    """What a cell says in a line."""
    if cell.check.problem:
        return cell.check.problem
    return cell.result.message if cell.result is not None else "has not run yet"


def cell_details(
    cell: CheckCell, run: CheckRun | None, now: datetime, width: int
) -> list[tuple[str, str]]:
    """A cell in rows of a name and a value: what it is, how it is, what it says.

    Args:
        width: in cells; the message takes as many rows as it needs.
    """
    title = f": {cell.check.title}" if cell.check.title else ""
    rows = [("check", f"{cell.check.name} of {project_of(cell)}{title}")]
    if cell.result is not None:
        result = cell.result
        since, age = span((now - result.timestamp).total_seconds()), age_of(result, now)
        seen = "" if since == age else f", still so {age} ago"
        took = f"took {result.duration_seconds:.1f} s"
        rows.append(("status", f"{result.status} {since} ago{seen}; {took}"))
    rows.append(("runs", _next_run(cell, run, now)))
    lines = wrap(clean(message_of(cell)), max(8, width - 10))
    return [*rows, *zip(("says", *itertools.repeat("", len(lines) - 1)), lines, strict=True)]


def _next_run(cell: CheckCell, run: CheckRun | None, now: datetime) -> str:
    every = f"every {period(cell.plan.interval)}"
    if run is not None:
        return "now: you asked for it"
    if cell.check.problem:
        return "never: it cannot be loaded"
    if cell.next_at is None:
        return f"only when you say so: it is off ({every} when on)"
    left = (cell.next_at - now).total_seconds()
    return f"{every}, next {f'in {span(left)}' if left > 0 else 'as soon as may be'}"


def detail_lines(result: CheckResultRow, width: int) -> list[str]:
    """What a check said and found, in lines of clean text, as many as a screen shows.

    Args:
        width: in cells; the message is wrapped to it, details are not.
    """
    lines = [*wrap(clean(result.message), max(8, width)), ""]
    left = MAX_DETAIL_CHARACTERS
    for line in map(clean, check_details.detail_lines(result.details, most=MAX_DETAIL_ROWS)):
        left -= len(line) + 1
        if left < 0 or len(lines) >= MAX_DETAIL_LINES:
            return [*lines, f"and more: espdeck checks history {result.check_name} --json"]
        lines.append(line)
    return lines
