"""A board at a glance: who has it, what runs on it, and whether it is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engine.boards.board_info import BoardInfo
from engine.overview.records import BoardOverview
from engine.store.work import UnfinishedRun
from engine.text import clean, count

_SILENT = "does not answer"
_COUNTED = "since the last look"


def board_overview(
    board: BoardInfo, looks: Mapping[str, Any], testing: UnfinishedRun | None, now: datetime
) -> BoardOverview:
    """A board as a front end shows it.

    Args:
        looks: what ``board_check`` keeps of the board, empty for nothing.
        testing: the build that has it, None for none.
    """
    problem, is_unwell = _problem(board, looks, now)
    state = board.state
    if board.reserved_until is not None and state != "busy":
        state = "reserved"  # also one that is off: nobody else may have it
    elif state == "free" and is_unwell:
        state = "unwell"
    found = BoardOverview(
        info=board,
        project=board.project,
        build=board.build,
        state=state,
        problem=problem,
        reserved_until=board.reserved_until,
    )
    if testing is None:
        return found
    return replace(found, project=testing.project, build=testing.run.number)


def _problem(board: BoardInfo, looks: Mapping[str, Any], now: datetime) -> tuple[str, bool]:
    """What is not well with a board, and whether it is not to be relied on."""
    found: list[str] = []
    if board.out_of_pool:
        found.append(f"left the pool: {clean(board.out_of_pool)}")
    is_silent = looks.get("state") == _SILENT
    if is_silent:
        since = board.asked_at
        found.append(f"silent for {_span(now - since)}" if since else "has never answered")
    found += _said(looks, "errors", (_SILENT, "left the pool"))
    is_unwell = bool(found)
    found += [each for each in _said(looks, "warnings", ()) if not each.endswith(_COUNTED)]
    if board.brownouts:
        found.append(count(board.brownouts, "brownout"))
    if board.watchdog_resets:
        found.append(count(board.watchdog_resets, "watchdog reset"))
    return ", ".join(found), is_unwell


def _said(looks: Mapping[str, Any], kind: str, told: tuple[str, ...]) -> list[str]:
    """What a board's check says beside what is told already."""
    found = looks.get(kind)
    lines = [clean(str(each)) for each in found] if isinstance(found, list) else []
    return [line for line in lines if not line.startswith(told)]


def _span(passed: timedelta) -> str:
    """A time that passed, in its largest unit."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
