"""Builds of a project as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.enums import RunStatus, VerdictWord
from tui.presentation.columns import Cell, Column, fit_columns, longest
from tui.presentation.labels import commit_of, variant_of
from tui.presentation.units import span, took
from tui.theme import RUN_COLOURS

if TYPE_CHECKING:
    from engine import Run, WorkItem
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_UNPROVED_VERDICTS = (VerdictWord.RAN, VerdictWord.SILENT, VerdictWord.UNTESTED)
"""Verdicts that say more than that the build succeeded."""

_ENDED = Column("state", len("x cancelled"))
_RUNS = Column("state", len("x 100 % validation"), len("x 100 % build"))
"""The state of builds that have ended, and where one runs: then it says how far it is."""

_COLUMNS = (
    Column("build", 7, 5),
    Column("took", 7, rank=3, right=True),
    Column("when", 6, rank=1, right=True),
    Column("variant", 20, 16, rank=2),
    Column("commit", 14, rank=4),
    Column("trigger", 8, rank=6),
    Column("branch", 16, 8, rank=7),
    Column("what", 200, 28, grows=True),
)


class BuildTable:
    """Draws builds in columns; made anew for other builds or another width."""

    def __init__(
        self, builds: Sequence[Run], glyphs: Glyphs, width: int, *, has_variants: bool
    ) -> None:
        """Fit the columns.

        Args:
            width: of the rows, in cells.
            has_variants: whether chip and configuration tell the builds apart.
        """
        self._glyphs = glyphs
        wanted = {
            "build": max(5, longest(f"#{each.id}" for each in builds)),
            "variant": max(7, longest(map(variant_of, builds))) if has_variants else 0,
            "commit": longest(commit_of(each, 8) for each in builds),
            "branch": max(6, longest(each.branch for each in builds)),
            "trigger": max(7, longest(each.triggered_by for each in builds)),
        }
        state = _ENDED if all(each.status.is_final for each in builds) else _RUNS
        columns = (_COLUMNS[0], state, *_COLUMNS[1:])
        self._table = fit_columns(columns, width - 2, glyphs.cut, wanted)

    def head(self) -> Parts:
        """The heads of the columns."""
        return [("  ", ""), *self._table.head()]

    def row(self, build: Run, *, work: WorkItem | None, is_marked: bool, now: datetime) -> Parts:
        """A build as a row.

        Args:
            work: how far it is while it runs.
        """
        status = RunStatus(build.status)
        word = build.verdict if build.verdict in _UNPROVED_VERDICTS and not build.error else ""
        word = word or str(status)
        said = word if work is None or not work.percent else f"{work.percent:.0f} % {work.phase}"
        at = build.completed_at or build.created_at
        cells: list[Cell] = [
            [(f"#{build.id}", "")],
            [(f"{self._glyphs.state(status)} {said}", RUN_COLOURS.get(word, "dim"))],
            [(took(build.duration) if build.duration is not None else "", "dim")],
            [(span((now - at).total_seconds()), "dim")],
            [(variant_of(build), "")],
            [(commit_of(build, 8), "dim")],
            [(build.triggered_by, "dim")],
            [(build.branch, "dim")],
            what_of(build, work),
        ]
        return [("*" if is_marked else " ", "note"), (" ", ""), *self._table.row(cells)]


def what_of(build: Run, work: WorkItem | None) -> Cell:
    """Why a build failed; of any other, what it is of."""
    first_line = build.commit_message.partition("\n")[0]
    if build.error:
        return [(build.error.partition("\n")[0], "bad"), (f"  {first_line}", "dim")]
    if work is not None and work.message:
        return [(work.message, "busy"), (f"  {first_line}", "dim")]
    return [(first_line, "")]
