"""For whom or what a run waits, in a clause that follows "waits for"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from engine.boards.board_info import BoardInfo
from engine.enums import RunKind
from engine.store.tables import Run
from engine.text import clean, count

_MAX_NAMED = 2
"""Boards, or runs, that are named; others are counted."""

NO_EXECUTOR = "an executor: no process carries out builds (espdeck daemon start)"
STARTING = "the executor, which is starting"


def wait_for_turn(kind: RunKind, running: Sequence[int], ahead: int, limit: int) -> str:
    """For what a run waits in its queue; empty where it is about to begin.

    Args:
        kind: of the run, whose queue it is.
        running: numbers of the runs that are carried out.
        ahead: how many wait before it.
        limit: how many run at once.
    """
    if len(running) + ahead < limit:
        return ""
    before = f"; {count(ahead, kind.label)} before it" if ahead else ""
    if not running:
        return f"its turn{before}"
    named = [f"#{number}" for number in running[:_MAX_NAMED]]
    more = len(running) - len(named)
    if more:
        named.append(f"{more} {'other' if more == 1 else 'others'}")
    return f"{_either(named)} to end{before}"


def wait_for_board(run: Run, boards: Sequence[BoardInfo], clock: Callable[[datetime], str]) -> str:
    """For which board a run waits that is at its test; empty where one is free, or is its own.

    Args:
        run: at a stage that needs a board and has none yet.
        boards: those that it may use, the best first.
        clock: a time as people of the lab read it.
    """
    mine = f"{RunKind.FIRMWARE.label} {run.number}"
    if not boards or any(
        board.state in ("free", "off") or board.holder.partition(" (")[0] == mine
        for board in boards
    ):
        return ""
    said = [_who_has(board, clock) for board in boards[:_MAX_NAMED]]
    if more := len(boards) - len(said):
        said.append(f"{count(more, 'other board')} {'is' if more == 1 else 'are'} taken")
    if run.board == "auto":
        return f"{_a(run.target)}: {', '.join(said)}"
    return f"a board: {said[0]}"


def name_of(board: BoardInfo) -> str:
    """A board as people call it."""
    return clean(board.label or board.name)


def _who_has(board: BoardInfo, clock: Callable[[datetime], str]) -> str:
    """Who has a board, in a clause."""
    name, who = name_of(board), clean(board.reserved_by)
    if board.reserved_until is not None:
        whose = f"{who}'s" if " " not in who else f"reserved by {who}"
        return f"{name} is {whose} until {clock(board.reserved_until)}"
    return f"{name} is in use by {clean(board.holder.partition(' (')[0])}"


def _a(chip: str) -> str:
    return f"{'an' if chip[:1] in 'aeiou' else 'a'} {chip}"


def _either(words: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
