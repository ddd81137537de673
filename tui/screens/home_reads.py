"""What home reads: each in a thread, never two of a kind at once, and shown when it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from engine.enums import ProjectStatus
from engine.errors import EspdeckError
from tui.presentation.home_layout import Panel
from tui.presentation.project_rows import project_details
from tui.screens.home_panels import HomePanels
from tui.screens.lab_watch import LabWatch
from tui.screens.reload import Reload
from tui.state.home_state import HomeState

if TYPE_CHECKING:
    from engine import BoardOverview, ProjectOverview, ProjectStats, Run, WorkItem
    from tui.screens.base import MainScreen

_PAGE_BUILDS = 200
"""Builds that are loaded at once."""

_FEW_PROJECTS = 8
"""Projects up to which each is read by itself, not all of them."""

ALL = frozenset({"projects", "builds", "work", "boards", "details", "checks", "state"})
"""All that is read."""

LAB = frozenset({"projects", "boards", "checks", "state"})
"""What the line of state needs of it."""


class HomeReads:
    """Reads projects, work, boards, builds and details for home, and has its panels show them."""

    def __init__(
        self,
        screen: MainScreen,
        state: HomeState,
        panels: HomePanels,
        changed: Callable[[], None],
        *,
        now: Callable[[], datetime],
        host: str,
    ) -> None:
        """Know home.

        Args:
            changed: called when something else is shown, so that other keys may work.
            now: the clock.
            host: name of this machine.
        """
        self._now = now
        self._screen = screen
        self._state = state
        self._panels = panels
        self._changed = changed
        self._more = True
        self._select: UUID | None = None
        self.lab = LabWatch(screen, state, now=now, host=host)
        self._stale_projects: set[UUID] = set()
        self._all_stale = False
        self._projects: Reload[Callable[[], None]] = Reload(
            screen, self._read_projects, lambda show: show()
        )
        self._work: Reload[Sequence[WorkItem]] = Reload(
            screen, lambda: lambda: screen.engine.overview.work(), self._show_work
        )
        self._boards: Reload[Sequence[BoardOverview]] = Reload(
            screen, self._read_boards, self._show_boards
        )
        self._builds: Reload[Callable[[], None]] = Reload(
            screen, self._read_builds, lambda show: show()
        )
        self._details: Reload[Callable[[], None]] = Reload(
            screen, self._read_details, lambda show: show()
        )

    def load(self, what: Iterable[str]) -> None:
        """Read some of :data:`ALL`."""
        reads: dict[str, Callable[[], None]] = {
            "projects": self.load_projects,
            "builds": self._builds.start,
            "work": self._work.start,
            "boards": self._boards.start,
            "details": self._details.start,
            "checks": self.lab.load_checks,
            "state": self.lab.load_executor,
        }
        for each in what:
            reads[each]()

    def is_reading(self, panel: Panel) -> bool:
        """Whether what a list shows, of projects or builds, is being read."""
        return {Panel.PROJECTS: self._projects, Panel.BUILDS: self._builds}[panel].is_reading

    def load_projects(self, select: UUID | None = None) -> None:
        """Read the projects; put the cursor on one, unless it is None."""
        self._select = select or self._select
        self._all_stale = True
        self._projects.start()

    def load_some(self, projects: Iterable[UUID]) -> None:
        """Read those projects that changed, or are new or gone."""
        self._stale_projects.update(projects)
        self._projects.start()

    def _read_projects(self) -> Callable[[], Callable[[], None]] | None:
        """What reads the projects that are stale; it gives what shows them."""
        stale, self._stale_projects = self._stale_projects, set()
        is_all, self._all_stale = self._all_stale or len(stale) > _FEW_PROJECTS, False
        engine, state = self._screen.engine, self._state
        if not is_all and not stale:
            return None

        def read() -> Callable[[], None]:
            overview = engine.overview
            if is_all:
                projects = overview.projects()
                overview.look()
                return lambda: self._show_projects(projects)
            found = {each: overview.project(each) for each in stale}
            return lambda: self._show_projects(state.with_projects(found))

        def try_to_read() -> Callable[[], None]:
            try:
                return read()
            except EspdeckError:
                self._all_stale = True  # what was to be read is read with the next news
                raise

        return try_to_read

    def _show_projects(self, projects: Sequence[ProjectOverview]) -> None:
        before = self._panels.project
        self._state.show_projects(projects)
        self._panels.show_projects()
        if self._select is not None:
            self._panels.projects.select(self._select)
            chosen = self._panels.project
            if chosen is not None and chosen.project.id == self._select:
                self._select = None  # else it is not read yet
        now = self._panels.project
        if now is None:
            self._panels.show_builds((), empty="")
            self._panels.show_details(())
        elif before is not None and before.project.id == now.project.id and before != now:
            self._details.start()
        self.lab.show()
        self._changed()

    def _show_work(self, items: Sequence[WorkItem]) -> None:
        self._state.show_work(items, self._now())
        self._panels.show_work()
        self.lab.show()
        self._changed()

    def _read_boards(self) -> Callable[[], Sequence[BoardOverview]]:
        """What reads the boards; folders are looked at as often, as their edits are no events."""
        engine, is_shown = self._screen.engine, self._screen.is_current

        def read() -> Sequence[BoardOverview]:
            if is_shown:
                engine.overview.look()
            return engine.overview.boards()

        return read

    def _show_boards(self, boards: Sequence[BoardOverview]) -> None:
        if boards == self._state.boards:
            return
        self._state.boards = boards
        self._panels.show_boards()
        self.lab.show()

    def _read_builds(self) -> Callable[[], Callable[[], None]] | None:
        """What reads the builds of the chosen project; it gives what shows them."""
        each = self._panels.project
        if each is None:
            return None
        project = each.project
        text = self._state.texts.get(Panel.BUILDS, "")
        limit = max(_PAGE_BUILDS, len(self._panels.builds.items))
        engine = self._screen.engine

        def show(builds: Sequence[Run]) -> None:
            now = self._panels.project
            if now is None or now.project.id != project.id:
                return
            if self._state.texts.get(Panel.BUILDS, "") != text:
                return
            self._more = len(builds) >= limit
            nothing = f" no build has {text!r}" if text else " no build yet: press b to build"
            if not text and now.project.status == ProjectStatus.ERROR:
                nothing = " cannot be built: enter says why"
            self._panels.show_builds(builds, empty=nothing)
            self._changed()

        def read() -> Callable[[], None]:
            builds = engine.builds.list(project_id=project.id, text=text, limit=limit)
            return lambda: show(builds)

        return read

    def load_more(self) -> None:
        """Load the builds before the oldest that is shown, where there are more."""
        if not self._more:
            return
        each, rows = self._panels.project, self._panels.builds
        if each is None or not rows.items:
            return
        text, before = self._state.texts.get(Panel.BUILDS, ""), rows.items[-1].id

        def show(builds: Sequence[Run]) -> None:
            if not rows.items or rows.items[-1].id != before:
                return  # it was asked for twice, or the list was loaded anew
            self._more = len(builds) >= _PAGE_BUILDS
            self._panels.show_builds([*rows.items, *builds], empty="")

        self._screen.in_thread(
            lambda: self._screen.engine.builds.list(
                project_id=each.project.id, text=text, limit=_PAGE_BUILDS, before=before
            ),
            show,
        )

    def _read_details(self) -> Callable[[], Callable[[], None]] | None:
        """What reads details of the chosen project, where these are seen."""
        each = self._panels.project
        if each is None or not self._panels.shows_details:
            return None
        project, engine = each.project, self._screen.engine

        def show(stats: ProjectStats) -> None:
            now = self._panels.project
            if now is None or now.project.id != project.id:
                return
            detail = self._state.doing.get(str(project.id)) or now.project.status_detail
            self._panels.show_details(
                project_details(now, stats, self._screen.app.glyphs, detail, self._now())
            )

        def read() -> Callable[[], None]:
            stats = engine.projects.stats(project.id)
            return lambda: show(stats)

        return read
