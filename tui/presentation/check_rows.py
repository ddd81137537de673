"""Checks as cells, rows and details: how each is, since when, and what it found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.enums import CheckStatus
from engine.text import clean
from tui.presentation.strips import wrap
from tui.presentation.tables import columns
from tui.presentation.units import span
from tui.theme import STATE_COLOURS

if TYPE_CHECKING:
    import uuid

    from engine import CheckCell, CheckResultRow
    from tui.state.check_runs import CheckRun
    from tui.theme import Glyphs

LAB = "(lab)"
"""The row of checks that are of no project."""

MAX_DETAIL_ROWS = 500
"""Objects of one list of details that are shown."""

MAX_DETAIL_LINES, MAX_DETAIL_CHARACTERS = 1500, 200_000
"""All that is shown of the details of a result."""

MAX_TABLE_CELLS = 48
"""Cells of a column of details but the last; longer texts are cut."""

_MAX_COLUMNS = 8
_MAX_TEXT_LINES = 200
_RANK = {CheckStatus.SUCCESS: 0, CheckStatus.WARNING: 1, CheckStatus.ERROR: 2}


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
    every = f"every {cell.plan.interval:g} min"
    if run is not None:
        return "now: you asked for it"
    if cell.check.problem:
        return "never: it cannot be loaded"
    if cell.next_at is None:
        return f"only when you say so: it is off ({every} when on)"
    left = (cell.next_at - now).total_seconds()
    return f"{every}, next {f'in {span(left)}' if left > 0 else 'as soon as may be'}"


def worst_of_projects(cells: Iterable[CheckCell]) -> dict[uuid.UUID, CheckResultRow]:
    """The result of each project that is worst, the newest of those; no successes.

    Checks that are switched off do not count.
    """
    found: dict[uuid.UUID, CheckResultRow] = {}
    for cell in cells:
        result = cell.result
        if cell.project is None or result is None or not cell.plan.enabled:
            continue
        before = found.get(cell.project.id)
        if _RANK[result.status] and (before is None or _weight(result) > _weight(before)):
            found[cell.project.id] = result
    return found


def _weight(result: CheckResultRow) -> tuple[int, datetime]:
    return _RANK[result.status], result.timestamp


def detail_lines(result: CheckResultRow, width: int) -> list[str]:
    """What a check said and found, in lines of clean text: objects of a list are rows of a table.

    Args:
        width: in cells; the message is wrapped to it, tables are not.
    """
    lines = wrap(clean(result.message), max(8, width))
    left = MAX_DETAIL_CHARACTERS
    for name, value in result.details.items():
        lines.append("")
        for line in _value_lines(clean(str(name)), value):
            left -= len(line) + 1
            if left < 0 or len(lines) >= MAX_DETAIL_LINES:
                return [*lines, f"and more: espdeck checks history {result.check_name} --json"]
            lines.append(line)
    return lines


def _value_lines(name: str, value: Any) -> list[str]:
    if isinstance(value, list):
        return [f"{name} ({len(value)})", *_list_lines(value)]
    if isinstance(value, Mapping):
        pairs = [(str(key), _cell(each)) for key, each in value.items()]
        return [name, *(f"  {line}" for line in columns(("", ""), pairs)[1:])]
    text = _text(value).splitlines() or ["-"]
    if len(text) == 1:
        return [f"{name}  {clean(text[0])}"]
    return [name, *(f"  {clean(line)}" for line in _at_most(text, _MAX_TEXT_LINES))]


def _list_lines(values: Sequence[Any]) -> list[str]:
    shown = values[:MAX_DETAIL_ROWS]
    if any(shown) and all(isinstance(each, Mapping) for each in shown):
        names = _columns_of(shown)
        rows = [tuple(_cell(each.get(name)) for name in names) for each in shown]
        head = tuple(clean(name) for name in names)
        lines = columns(head, [tuple(map(_short, row[:-1])) + row[-1:] for row in rows])
    else:
        lines = [clean(_cell(each)) for each in shown]
    if len(values) > len(shown):
        lines.append(f"and {len(values) - len(shown)} more")
    return [f"  {line}" for line in lines]


def _columns_of(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of a table's columns; what is longest comes last, where it is not cut."""
    names = list(dict.fromkeys(str(name) for each in objects for name in each))
    longest = {name: max(len(_cell(each.get(name))) for each in objects) for name in names}
    names = [name for name in names if longest[name]][:_MAX_COLUMNS] or names[:1]
    last = max(names, key=lambda name: longest[name])
    if longest[last] > MAX_TABLE_CELLS:
        names.remove(last)
        names.append(last)
    return names


def _cell(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, list):
        return ", ".join(_cell(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(each)}" for name, each in value.items())
    lines = _text(value).splitlines()
    if len(lines) > 1:
        return f"{lines[0]} (and {len(lines) - 1} more lines)"
    return lines[0] if lines else ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= MAX_TABLE_CELLS else f"{text[: MAX_TABLE_CELLS - 3]}..."


def _at_most(lines: list[str], count: int) -> list[str]:
    more = [f"and {len(lines) - count} more lines"] if len(lines) > count else []
    return [*lines[:count], *more]
