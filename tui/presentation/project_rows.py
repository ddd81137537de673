"""A project of home as rows of a list, and as details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len

from engine.enums import ProjectStatus, RunStatus
from engine.text import clean, count, mask
from tui.presentation.check_rows import short_name
from tui.presentation.columns import Cell, Column, Table, fit_columns
from tui.presentation.labels import chips, followed
from tui.presentation.units import span
from tui.state.per_record import PerRecord
from tui.state.project_list import ProjectGroup, is_broken
from tui.theme import RUN_COLOURS, STATE_COLOURS

if TYPE_CHECKING:
    from engine import Project, ProjectOverview, ProjectStats, WorkItem
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_LAST = 5
"""Results that a trend has."""

_HEAD_CELLS = 3
"""Cells of the mark and the sign before the columns."""

_WIDE_CELLS = 76
"""Width from which trend, rate, board and notes have a column each."""

_MIN_NAME_CELLS, _MAX_NAME_CELLS = 10, 28

_NEVER_BUILT = "never built"

_NAME = Column("project", _MAX_NAME_CELLS, _MIN_NAME_CELLS)
_CHIP = Column("chip", 12, 8, rank=3)
_BUILD = Column("build", 16, 8, rank=1)
_WHEN = Column("when", 6, rank=2, right=True)
_NARROW = (_NAME, _CHIP, _BUILD, _WHEN, Column("last", 30, _LAST, rank=4, grows=True))
_WIDE = (
    _NAME,
    _CHIP,
    _BUILD,
    _WHEN,
    Column("trend", _LAST, rank=5),
    Column("rate", 5, rank=6, right=True),
    Column("board", 16, 6, rank=7),
    Column("notes", 30, 8, rank=4, grows=True),
)


class ProjectCells:
    """How many cells the columns want; a project is measured again only when it changed."""

    def __init__(self) -> None:
        self._measure = PerRecord(_cells_of)

    def wanted(
        self, projects: Sequence[ProjectOverview], work: Mapping[int, WorkItem]
    ) -> Mapping[str, int]:
        """Cells of the widest cell of columns, by their heads.

        Args:
            work: what runs or waits, by its number.
        """
        names, chips, boards, builds, numbers = zip(*self._measure(projects), strict=True)
        has_work = not work.keys().isdisjoint(numbers)
        return {
            "project": max(names),
            "chip": max(chips),
            "board": max(boards),
            "build": _BUILD.most if has_work else max(builds),
        }


class ProjectTable:
    """Draws projects in columns; made anew for other projects or another width."""

    def __init__(self, wanted: Mapping[str, int], glyphs: Glyphs, width: int) -> None:
        """Fit the columns.

        Args:
            wanted: by :class:`ProjectCells`.
            width: of the rows, in cells.
        """
        self._glyphs = glyphs
        self._is_wide = width >= _WIDE_CELLS
        columns = _WIDE if self._is_wide else _NARROW
        self.columns: Table = fit_columns(columns, width - _HEAD_CELLS, glyphs.cut, wanted)
        """The columns and their widths."""

    def row(
        self,
        each: ProjectOverview,
        *,
        work: WorkItem | None,
        detail: str,
        is_marked: bool,
        now: datetime,
    ) -> Parts:
        """A project as a row.

        Args:
            work: its newest build while that runs or waits.
            detail: what is being done with the project.
        """
        glyphs = self._glyphs
        sign, colour = sign_of(each, glyphs)
        trend = [(glyphs.trend(one), RUN_COLOURS.get(one, "dim")) for one in each.last[-_LAST:]]
        rate = f"{each.success_rate:.0f} %" if each.success_rate is not None else ""
        notes = self._notes(each, detail)
        shown: list[Cell] = [
            [(each.project.name, "")],
            [(chip_of(each.project), "dim")],
            self._build_cell(each, work),
            [(span((now - _when(each)).total_seconds()) if each.build else "", "dim")],
        ]
        if self._is_wide:
            shown += [trend, [(rate, "dim")], [(each.board, "dim")], notes]
        else:
            shown.append(self._last_cell(trend, notes or [(rate, "dim")], bool(notes)))
        mark = "*" if is_marked else " "
        return [(mark, "note"), (f"{sign} ", colour), *self.columns.row(shown)]

    def _build_cell(self, each: ProjectOverview, work: WorkItem | None) -> Cell:
        if each.build is None and each.project.status == ProjectStatus.PENDING:
            return [("cloning", "busy")]
        if each.build is None:
            return [(_NEVER_BUILT, "dim")]
        number = f"#{each.build.id}"
        if work is not None and work.run.id == each.build.id and not work.waits_for:
            return [(f"{number} {work.phase} {work.percent:.0f} %".replace("  ", " "), "busy")]
        status = RunStatus(each.build.status)
        if not status.is_final:
            is_waiting = status is RunStatus.PENDING or (work is not None and work.waits_for)
            word = "waits" if is_waiting else status
            return [(f"{number} {word}", "busy")]
        return [(f"{number} ", ""), (self._glyphs.state(status), RUN_COLOURS.get(status, "dim"))]

    def _last_cell(self, trend: Cell, beside: Cell, has_notes: bool) -> Cell:
        """Trend and what there is beside it; where there is no room for both, what matters more."""
        if self.columns.widths[-1] <= _LAST + 2:
            return beside if has_notes else trend
        blanks = " " * (_LAST + 1 - len(trend))
        return [*trend, (blanks, ""), *beside]

    def _notes(self, each: ProjectOverview, detail: str) -> Cell:
        """What a person should know beside the builds, what matters most first."""
        if each.project.status == ProjectStatus.PENDING:
            return [(detail, "busy")]
        notes: list[tuple[str, str]] = []
        if each.sync_problem:
            notes.append(("sync", "busy"))
        if each.ahead != 0 and each.build is not None:
            notes.append((f"{each.ahead or ''} ahead".strip(), "busy"))
        if each.is_dirty:
            notes.append(("dirty", "note"))
        if each.check_status is not None:
            sign = self._glyphs.state(each.check_status)
            colour = STATE_COLOURS.get(each.check_status, "dim")
            notes.append((f"{sign} {short_name(each.check)}", colour))
        return [part for note in notes for part in ((" ", ""), note)][1:]


def needs_reason(each: ProjectOverview) -> bool:
    """Whether a second row says what is wrong with a project."""
    return bool(_reason(each))


def reason_parts(each: ProjectOverview, now: datetime) -> Parts:
    """The second row of a project: since when it is broken, and why."""
    since = ""
    if each.broken_since is not None:
        since = f"broken for {span((now - each.broken_since).total_seconds())}: "
    return [("    ", ""), (since, "dim"), (_reason(each), "bad" if is_broken(each) else "busy")]


def group_parts(group: ProjectGroup, glyphs: Glyphs) -> Parts:
    """The head of a group: its name, and how many of it there are and need a person."""
    broken = sum(map(is_broken, group.projects))
    failed = f"  {broken} {glyphs.state('failed')}" if broken else ""
    return [
        (f" {glyphs.fold(group.is_folded)} ", "note"),
        (group.name, "note"),
        (f"  {len(group.projects)}", "dim"),
        (failed, "bad"),
    ]


def sign_of(each: ProjectOverview, glyphs: Glyphs) -> tuple[str, str]:
    """The sign of how a project stands, and the name of its colour."""
    build = each.build
    if each.project.status != ProjectStatus.ACTIVE:
        word = str(each.project.status)
        return glyphs.state(word), RUN_COLOURS.get(word, "dim")
    if build is not None and not build.status.is_final:
        return glyphs.state(build.status), RUN_COLOURS.get(build.status, "dim")
    if is_broken(each):
        return glyphs.state("failed"), "bad"
    if build is not None and (each.ahead != 0 or each.sync_problem):
        return glyphs.state("warning"), "busy"
    if each.is_dirty:
        return glyphs.state("dirty"), "note"
    word = str(build.status) if build is not None else "idle"
    return glyphs.state(word), RUN_COLOURS.get(word, "dim")


def project_details(
    each: ProjectOverview,
    stats: ProjectStats,
    glyphs: Glyphs,
    detail: str,
    now: datetime,
) -> list[tuple[str, str]]:
    """What is known of a project: names and values.

    Args:
        detail: what more there is to say of its status.
    """
    project = each.project
    rate = f"{stats.success_rate:.0f} %" if stats.success_rate is not None else "–"
    average = f"{stats.average_duration:.1f} s" if stats.average_duration is not None else "–"
    last = "".join(glyphs.state(status) for status in stats.last)
    age = span((now - project.synced_at).total_seconds()) if project.synced_at else ""
    synced = f", synced {age} ago" if age else ""
    app = f", app {project.app}" if project.app else ""
    configuration = f" {project.configuration}" if project.configuration else ""
    variant = f"for {chips(project)}{configuration}" if project.target else "chip not known"
    ahead = "commits at the tip are not built yet" if each.ahead is None else ""
    if each.ahead:
        ahead = f"not built yet: {count(each.ahead, 'commit')} at the tip"
    source = [
        ahead if each.build is not None else "",
        "changes are not committed" if each.is_dirty else "",
        each.sync_problem,
    ]
    builds = f"{stats.total_builds}, {rate} succeed, {average} on average"
    rows = [
        ("source", f"{mask(project.source)}{app}"),
        ("branch", f"{followed(project)}, {variant}{synced}"),
        ("status", f"{project.status}{': ' + detail if detail else ''}"),
        ("builds", builds if stats.total_builds else "none yet"),
        ("last", last or "–"),
        ("reason", each.reason),
        ("tip", "; ".join(filter(None, source))),
        ("board", each.board),
        ("check", f"{each.check}: {each.check_message}" if each.check else ""),
    ]
    return [(name, value) for name, value in rows if value]


def project_problem(project: Project) -> str:
    """Why a project cannot be built, and which keys of home help."""
    return (
        f"{mask(project.source)}\nbranch {project.branch or 'of the repository'}\n\n"
        f"{project.status_detail}\n\n"
        "e changes its source or branch; s tries again; d removes it."
    )


def chip_of(project: Project) -> str:
    """The chip of a plain build, and how many others there are."""
    others = len(project.targets) - 1
    return f"{project.target or 'no chip'}{f' +{others}' if others > 0 else ''}"


def _cells_of(each: ProjectOverview) -> tuple[int, int, int, int, int]:
    """Cells of name, chip, board and of a build that ended; the number of the build, 0 for none."""
    number = each.build.id if each.build is not None else 0
    texts = (
        each.project.name,
        chip_of(each.project),
        each.board,
        f"#{number} x" if number else _NEVER_BUILT,
    )
    name, chip, board, build = (cell_len(clean(text)) for text in texts)
    return name, chip, board, build, number


def _reason(each: ProjectOverview) -> str:
    if is_broken(each):
        return each.reason or each.project.status_detail.partition("\n")[0]
    return each.sync_problem


def _when(each: ProjectOverview) -> datetime:
    """When its newest build ended, or was asked for."""
    assert each.build is not None
    return each.build.completed_at or each.build.created_at
