"""A board at a glance: who has it, what runs on it, and whether it is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.boards.board_info import BoardInfo
from engine.overview.records import BoardOverview
from engine.store.work import UnfinishedRun
from engine.text import clean, count

_SILENT = "does not answer"
_COUNTED = "since the last look"


@dataclass(frozen=True, slots=True)
class BoardLook:
    """What ``board_check`` found of a board: when, and the details that it keeps. Untrusted."""

    at: datetime
    details: Mapping[str, Any]


NOT_LOOKED_AT = BoardLook(datetime.min.replace(tzinfo=UTC), {})
"""Of a board that ``board_check`` does not know."""


def board_overview(
    board: BoardInfo, look: BoardLook, testing: UnfinishedRun | None, now: datetime
) -> BoardOverview:
    """A board as a front end shows it.

    Args:
        look: what ``board_check`` found of it last.
        testing: the build that has it, None for none.
    """
    problem, is_unwell = _problem(board, look, now)
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


def _problem(board: BoardInfo, look: BoardLook, now: datetime) -> tuple[str, bool]:
    """What is not well with a board, and whether it is not to be relied on."""
    found: list[str] = []
    if board.out_of_pool:
        found.append(f"left the pool: {clean(board.out_of_pool)}")
    answered = board.asked_at
    if look.details.get("state") == _SILENT and (answered is None or answered <= look.at):
        found.append(f"silent for {_span(now - answered)}" if answered else "has never answered")
    found += _said(look, "errors", (_SILENT, "left the pool"))
    is_unwell = bool(found)
    found += [each for each in _said(look, "warnings", ()) if not each.endswith(_COUNTED)]
    if board.brownouts:
        found.append(count(board.brownouts, "brownout"))
    if board.watchdog_resets:
        found.append(count(board.watchdog_resets, "watchdog reset"))
    return ", ".join(found), is_unwell


def _said(look: BoardLook, kind: str, told: tuple[str, ...]) -> list[str]:
    """What a board's check says beside what is told already."""
    found = look.details.get(kind)
    lines = [clean(str(each)) for each in found] if isinstance(found, list) else []
    return [line for line in lines if not line.startswith(told)]


def _span(passed: timedelta) -> str:
    """A time that passed, in its largest unit."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
