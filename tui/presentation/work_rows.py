"""What is at work, and the boards, as rows of home's lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.enums import RunStatus
from tui.presentation.columns import Cell, Column, fit_cell, fit_columns, longest
from tui.presentation.units import clock, day, day_and_clock, elapsed
from tui.theme import RUN_COLOURS

if TYPE_CHECKING:
    from engine import BoardOverview, WorkItem
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_HEAD_CELLS = 3
"""Cells of the sign before the columns."""

_WORK = (
    Column("run", 6, 4),
    Column("project", 20, 6),
    Column("phase", 12, 4, rank=2),
    Column("percent", 5, rank=1, right=True),
    Column("time", 18, rank=3),
    Column("where", 60, 6, rank=4, grows=True),
)
_WAITS = (
    Column("run", 6, 4),
    Column("project", 20, 6),
    Column("waits", 60, 8, rank=1, grows=True),
)
_BOARDS = (
    Column("board", 20, 6),
    Column("chip", 8, rank=2),
    Column("doing", 60, 14, grows=True),
)
_MAX_DOING_CELLS = 40
"""The most that what a board does gets before the last line of its console."""

_BOARD_SIGNS = {
    "free": ("idle", "good"),
    "busy": ("running", "busy"),
    "reserved": ("reserved", "busy"),
    "off": ("skipped", "dim"),
    "unwell": ("failed", "bad"),
}


class WorkTable:
    """Draws what is at work in columns; made anew for other runs or another width."""

    def __init__(self, items: Sequence[WorkItem], glyphs: Glyphs, width: int) -> None:
        """Fit the columns.

        Args:
            width: of the rows, in cells.
        """
        self._glyphs = glyphs
        wanted = {
            "run": longest(f"#{each.run.id}" for each in items),
            "project": longest(map(_what, items)),
            "phase": longest(each.phase for each in items),
            "time": longest(map(_time, items)),
        }
        room = width - _HEAD_CELLS
        self._works = fit_columns(_WORK, room, glyphs.cut, wanted)
        self._waits = fit_columns(_WAITS, room, glyphs.cut, wanted)

    def row(self, item: WorkItem, since: float) -> Parts:
        """A run as a row.

        Args:
            since: seconds since the item was read.
        """
        is_waiting = bool(item.waits_for) or item.run.status == RunStatus.PENDING
        state = RunStatus.PENDING if is_waiting else RunStatus(item.run.status)
        head = [(f" {self._glyphs.state(state)} ", RUN_COLOURS.get(state, "dim"))]
        number, what = [(f"#{item.run.id}", "")], [(_what(item), "")]
        if is_waiting:
            waits = f"waits for {item.waits_for}" if item.waits_for else "waits"
            return head + self._waits.row([number, what, [(waits, "busy")]])
        cells = [
            number,
            what,
            [(item.phase, "busy")],
            [(f"{item.percent:.0f} %", "")],
            [(_time(item, since), "dim")],
            [(item.board, "note"), ("  " if item.board else "", ""), (item.message, "dim")],
        ]
        return head + self._works.row(cells)


class BoardTable:
    """Draws boards in columns; made anew for other boards or another width."""

    def __init__(
        self,
        boards: Sequence[BoardOverview],
        glyphs: Glyphs,
        width: int,
        *,
        now: datetime,
        lines_below: bool,
    ) -> None:
        """Fit the columns.

        Args:
            width: of the rows, in cells.
            now: a time of today is shown without its day.
            lines_below: whether the last line of a console has a row of its own.
        """
        self._glyphs = glyphs
        self._lines_below = lines_below
        self._now = now
        with_line = [board_doing(each, now) for each in boards if each.info.last_line]
        self._doing_cells = min(_MAX_DOING_CELLS, longest(with_line), width // 2)
        wanted = {"board": longest(map(board_name, boards))}
        self._table = fit_columns(_BOARDS, width - _HEAD_CELLS, glyphs.cut, wanted)

    def row(self, board: BoardOverview) -> Parts:
        """A board as a row."""
        state, colour = _BOARD_SIGNS.get(board.state, ("unknown", "dim"))
        doing: Cell = [(board_doing(board, self._now), colour)]
        if board.info.last_line and not self._lines_below:
            cut = self._glyphs.cut
            fitted = fit_cell(doing, self._doing_cells, cut=cut)
            doing = [*fitted, ("  ", ""), (board.info.last_line, "dim")]
        cells = [[(board_name(board), "")], [(board.info.chip or "?", "dim")], doing]
        return [(f" {self._glyphs.state(state)} ", colour), *self._table.row(cells)]


def board_name(board: BoardOverview) -> str:
    """What people call a board."""
    return board.info.label or board.info.name


def board_doing(board: BoardOverview, now: datetime) -> str:
    """Who has a board and what it does; for one that nobody has, what it runs."""
    info = board.info
    if board.state == "reserved":
        said = _reservation(board, now)
    elif info.holder or info.doing:
        said = ": ".join(filter(None, (_holder(board), info.doing)))
    elif board.state in ("free", "off"):
        said = f"{board.state}, has {info.runs}" if info.runs else board.state
    else:
        said = ""
    return "; ".join(filter(None, (board.problem, said)))


def last_line_parts(board: BoardOverview) -> Parts:
    """The second row of a board: what its console said last."""
    return [("    ", ""), (board.info.last_line, "dim")]


def _holder(board: BoardOverview) -> str:
    """Who has a board: of a build its number and its project, of anybody else what they say."""
    holder = board.info.holder
    if board.project and board.build is not None and f"build {board.build}" in holder:
        return f"tests #{board.build} of {board.project}"
    return holder


def _reservation(board: BoardOverview, now: datetime) -> str:
    """Who has it until when and why."""
    info, until = board.info, board.reserved_until
    if until is None:
        return info.reserved
    is_today = day(until) == day(now)
    at = clock(until) if is_today else day_and_clock(until)
    return f"{info.reserved_by} until {at}{f': {info.reserved_why}' if info.reserved_why else ''}"


def _time(item: WorkItem, since: float = 0.0) -> str:
    """How long a run goes on, and how long such runs take; ``since`` it was read, in seconds."""
    expected = f" of ~{elapsed(item.expected)}" if item.expected is not None else ""
    return f"{elapsed(item.elapsed + since)}{expected}"


def _what(item: WorkItem) -> str:
    """What a run is about: its project, of a task also what it is."""
    return " ".join(filter(None, (item.project, item.title))) or item.run.kind.label
