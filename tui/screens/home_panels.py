"""The panels of home: projects, work, boards, builds and details of the chosen project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from textual.message import Message

from engine.text import clean
from tui.presentation.build_rows import BuildTable
from tui.presentation.home_layout import STRIPS, Panel, arrange, is_wide
from tui.presentation.labels import tells_apart
from tui.presentation.project_rows import (
    ProjectCells,
    ProjectTable,
    group_parts,
    needs_reason,
    reason_parts,
)
from tui.presentation.work_rows import BoardTable, WorkTable, last_line_parts
from tui.state.home_state import HomeState
from tui.state.project_list import ProjectGroup, key_of, shown_projects
from tui.widgets.pane_container import PaneContainer
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import BoardOverview, ProjectOverview, Run, WorkItem
    from tui.app_base import AppBase
    from tui.theme import Glyphs

NO_PROJECTS = """ no projects yet: press a to add one, ? for help

 espdeck demo    shows how it works, without a board
 espdeck doctor  says what this machine can do"""

_NO_BOARDS = " no boards: plug one in, or run espdeck lab"
_NO_WORK = " nothing runs or waits"

_TALL_BOARDS_ROWS, _TALL_BOARDS_CELLS = 16, 80
"""From this size on the last line of each board's console has a row of its own."""


class HomePanels(PaneContainer):
    """Draws what :class:`HomeState` has, in panels that are arranged for the size."""

    class DetailsShown(Message):
        """Details of the chosen project are seen, and were not: by a key, or in a larger window."""

    def __init__(self, state: HomeState, now: Callable[[], datetime]) -> None:
        """Make the panels.

        Args:
            now: the clock.
        """
        super().__init__(id="room")
        self._now = now
        self._state = state
        self.focused = Panel.PROJECTS
        """The panel that has the focus."""

        self._strip = Panel.BUILDS
        self._cells = ProjectCells()
        self._tables: dict[Panel, tuple[int, Any]] = {}
        self._tells_apart = False
        self._lines_below = False
        self.projects: RowList[ProjectOverview | ProjectGroup] = RowList(
            draw=self._draw_project,
            key=key_of,
            empty=" opening",
            has_below=lambda row: not isinstance(row, ProjectGroup) and needs_reason(row),
            draw_below=self._draw_reason,
            id="projects",
        )
        self.work: RowList[WorkItem] = RowList(
            draw=self._draw_work, key=lambda item: item.run.number, id="work"
        )
        self.boards: RowList[BoardOverview] = RowList(
            draw=self._draw_board,
            key=lambda board: board.info.name,
            has_below=lambda board: self._lines_below and bool(board.info.last_line),
            draw_below=lambda board, _width: last_line_parts(board),
            id="boards",
        )
        self.builds: RowList[Run] = RowList(
            draw=self._draw_build,
            key=lambda build: build.number,
            head=lambda width: self._build_table(width).head(),
            id="builds",
        )
        self.details: RowList[tuple[str, str]] = RowList(
            draw=lambda row, _width: [(f" {row[0]:<8}", "note"), (row[1], "")],
            key=lambda row: row[0],
            has_cursor=False,
            id="details",
        )
        self._lists: dict[Panel, RowList[Any]] = {
            Panel.PROJECTS: self.projects,
            Panel.WORK: self.work,
            Panel.BOARDS: self.boards,
            Panel.BUILDS: self.builds,
            Panel.DETAILS: self.details,
        }
        self._names = {panel: str(panel) for panel in Panel}
        self._found_by: str | None = None
        self._at_work: set[int] = set()
        """Runs whose progress is shown."""

    def compose(self) -> Any:
        """All lists; those without room are hidden."""
        yield from self._lists.values()

    def on_mount(self) -> None:
        """Titles."""
        self._show_titles()

    def on_resize(self) -> None:
        """Arrange the panels for another size."""
        self.place_all()

    @property
    def focused_list(self) -> RowList[Any]:
        """The list that has the focus."""
        return self._lists[self.focused]

    @property
    def is_wide(self) -> bool:
        """Whether every panel is seen, not one of them at a time."""
        return is_wide(*self.size)

    @property
    def shows_details(self) -> bool:
        """Whether details of the chosen project are seen."""
        return bool(self.details.display)

    @property
    def project(self) -> ProjectOverview | None:
        """The project under the cursor; None on the head of a group."""
        row = self.projects.item
        return None if isinstance(row, ProjectGroup) else row

    @property
    def group(self) -> ProjectGroup | None:
        """The group whose head is under the cursor."""
        row = self.projects.item
        return row if isinstance(row, ProjectGroup) else None

    def panel_of(self, rows: object) -> Panel | None:
        """Which panel a widget is."""
        return next((panel for panel, each in self._lists.items() if each is rows), None)

    def go_to(self, panel: Panel) -> None:
        """Give the focus to a panel, and show it."""
        self.focused = panel
        if panel is not Panel.PROJECTS:
            self._strip = panel
        self.place_all()
        self.screen.set_focus(self.focused_list)

    def place_all(self) -> None:
        """Show the panels that there is room for."""
        if not self.is_mounted or not self.size:
            return
        width, height = self.size
        boxes = arrange(width, height, self.focused, self._strip, len(self.work.items))
        had_details = self.shows_details
        self.place({self._lists[panel]: box for panel, box in boxes.items()})
        if self.shows_details and not had_details:
            self.post_message(self.DetailsShown())
        board = boxes.get(Panel.BOARDS)
        below = board is not None and board.width >= _TALL_BOARDS_CELLS and (
            board.height >= min(_TALL_BOARDS_ROWS, 1 + 2 * len(self.boards.items))
        )  # fmt: skip
        if below != self._lines_below:
            self._lines_below = below
            self.show_boards()
        self._show_titles()

    def show_projects(self) -> None:
        """Show projects that were read, or other ones of them."""
        text = self._state.texts.get(Panel.PROJECTS)
        nothing = f" no project has {text!r}: esc shows all" if text else NO_PROJECTS
        was = self.projects.item
        self.projects.fill(
            self._state.project_rows(), empty=nothing, only_changed=self._columns_stay()
        )
        group = self.group
        if group is not None and not group.is_folded and (was is None or text != self._found_by):
            self.projects.move(1)  # to the first project that was found
        self._found_by = text
        self._show_titles()

    def show_work(self) -> None:
        """Show what is at work."""
        self._tables.pop(Panel.WORK, None)
        before = len(self.work.items)
        self.work.fill(self._state.work_rows(), empty=self._nothing(Panel.WORK, _NO_WORK))
        changed, self._at_work = self._at_work | self._state.work.keys(), set(self._state.work)
        if self._columns_stay():
            self.projects.refresh_items(lambda row: _build_of(row) in changed)
        else:
            self.projects.refresh()
        self.builds.refresh_items(lambda build: build.id in changed)
        if len(self.work.items) != before:
            self.place_all()
        self._show_titles()

    def show_boards(self) -> None:
        """Show the boards."""
        self._tables.pop(Panel.BOARDS, None)
        self.boards.fill(self._state.board_rows(), empty=self._nothing(Panel.BOARDS, _NO_BOARDS))
        self._show_titles()

    def show_builds(self, builds: Sequence[Run], *, empty: str) -> None:
        """Show builds of the chosen project.

        The newest stays chosen, unless a person chose another or is in their list.

        Args:
            empty: what is said where there are none.
        """
        newest_is_chosen = self.focused is not Panel.BUILDS and self.builds.at_start
        self._tables.pop(Panel.BUILDS, None)
        each = self.project
        self._tells_apart = each is not None and tells_apart(each.project, builds)
        self.builds.fill(builds, empty=empty)
        if newest_is_chosen:
            self.builds.to_first()
        self._show_titles()

    def show_details(self, details: Sequence[tuple[str, str]]) -> None:
        """Show what is known of the chosen project."""
        self.details.fill(details)

    def show_marks(self) -> None:
        """Draw marks anew."""
        self.projects.refresh()
        self.builds.refresh()
        self._show_titles()

    def show_progress(self) -> None:
        """Draw the rows of what runs anew: a second went by."""
        running = {
            number for number, item in self._state.work.items() if item.percent or item.phase
        }
        self.work.fill(self._state.work_rows())
        self.builds.refresh_items(lambda build: build.id in running)

        self.projects.refresh_items(lambda row: _build_of(row) in running)

    def show_ages(self) -> None:
        """Draw anew what says how long ago something was: a minute went by."""
        self._tables.clear()
        self.projects.refresh()
        self.builds.refresh()
        self.boards.refresh()

    def _nothing(self, panel: Panel, otherwise: str) -> str:
        text = self._state.texts.get(panel)
        return f" nothing has {text!r}: esc shows all" if text else otherwise

    def _show_titles(self) -> None:
        state = self._state
        rows = shown_projects(self.projects.items)
        total, shown = len(state.projects), len(rows)
        number = f"{shown} of {total}" if shown != total else str(total)
        grouped = f", {state.grouping}" if state.grouping else ""
        marked = len(state.marked_projects)
        marks = f"  {marked} marked" if marked else ""
        chosen = self.project
        of = f" of {clean(chosen.project.name)}" if chosen is not None else ""
        builds = len(state.marked_builds)
        names = {
            Panel.PROJECTS: f"projects {number}  {state.order}{grouped}{marks}",
            Panel.WORK: f"at work {len(state.work)}",
            Panel.BOARDS: f"boards {len(state.boards)}",
            Panel.BUILDS: f"builds{of}{f'  {builds} marked' if builds else ''}",
            Panel.DETAILS: f"details{of}",
        }
        for number_key, (panel, name) in enumerate(names.items(), 1):
            text = state.texts.get(panel)
            found = f"  /{text}" if text else ""
            self._lists[panel].title = f" {number_key} {name}{found}"
        hidden = [panel for panel in STRIPS if not self._lists[panel].display]
        short = {
            Panel.WORK: f"2 at work {len(state.work)}",
            Panel.BOARDS: f"3 boards {len(state.boards)}",
            Panel.BUILDS: "4 builds",
            Panel.DETAILS: "5 details",
        }
        for panel in STRIPS:
            is_strip = not self.is_wide or panel in (Panel.BUILDS, Panel.DETAILS)
            others = "   ".join(short[each] for each in hidden) if is_strip else ""
            self._lists[panel].aside = f"{others} " if others else ""

    def _table(self, panel: Panel, width: int, make: Callable[[], Any]) -> Any:
        known = self._tables.get(panel)
        if known is None or known[0] != width:
            known = self._tables[panel] = (width, make())
        return known[1]

    def _project_table(self, width: int) -> ProjectTable:
        state = self._state
        return ProjectTable(self._cells.wanted(state.projects, state.work), self._glyphs, width)

    def _columns_stay(self) -> bool:
        """Fit the columns of projects; whether they are where they were."""
        known = self._tables.pop(Panel.PROJECTS, None)
        if known is None or not self._state.projects:
            return False
        width, before = known
        now = self._table(Panel.PROJECTS, width, lambda: self._project_table(width))
        return bool(now.columns == before.columns)

    @property
    def _glyphs(self) -> Glyphs:
        return cast("AppBase", self.app).glyphs

    def _draw_project(self, row: ProjectOverview | ProjectGroup, width: int) -> Parts:
        if isinstance(row, ProjectGroup):
            return group_parts(row, self._glyphs)
        state, project = self._state, row.project
        table: ProjectTable = self._table(Panel.PROJECTS, width, lambda: self._project_table(width))
        return table.row(
            row,
            work=state.work.get(row.build.number) if row.build else None,
            detail=state.doing.get(str(project.id), ""),
            is_marked=project.id in state.marked_projects,
            now=self._now(),
        )

    def _draw_reason(self, row: ProjectOverview | ProjectGroup, _width: int) -> Parts:
        assert not isinstance(row, ProjectGroup)
        return reason_parts(row, self._now())

    def _draw_work(self, item: WorkItem, width: int) -> Parts:
        table: WorkTable = self._table(
            Panel.WORK, width, lambda: WorkTable(self.work.items, self._glyphs, width)
        )
        read_at = self._state.work_read_at
        since = (self._now() - read_at).total_seconds() if read_at is not None else 0.0
        return table.row(item, since)

    def _draw_board(self, board: BoardOverview, width: int) -> Parts:
        table: BoardTable = self._table(
            Panel.BOARDS,
            width,
            lambda: BoardTable(
                self.boards.items,
                self._glyphs,
                width,
                now=self._now(),
                lines_below=self._lines_below,
            ),
        )
        return table.row(board)

    def _build_table(self, width: int) -> BuildTable:
        table: BuildTable = self._table(
            Panel.BUILDS,
            width,
            lambda: BuildTable(
                self.builds.items, self._glyphs, width, has_variants=self._tells_apart
            ),
        )
        return table

    def _draw_build(self, build: Run, width: int) -> Parts:
        return self._build_table(width).row(
            build,
            work=self._state.work.get(build.number),
            is_marked=build.number in self._state.marked_builds,
            now=self._now(),
        )


def _build_of(row: ProjectOverview | ProjectGroup) -> int | None:
    """Number of the build that a row shows."""
    return None if isinstance(row, ProjectGroup) or row.build is None else row.build.number
