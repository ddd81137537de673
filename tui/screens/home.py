"""Home: the lab at a glance. Projects, what is at work, boards, builds of the chosen project."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input

from engine.enums import ProjectStatus, RunKind
from engine.events import CheckCompleted, Event, ProjectChanged, RunProgress
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.home_layout import Panel
from tui.presentation.labels import ended_reason, not_ended_reason
from tui.presentation.project_rows import project_problem
from tui.presentation.units import utc_now
from tui.screens.base import MainScreen
from tui.screens.home_panels import HomePanels
from tui.screens.home_reads import ALL, LAB, HomeReads
from tui.screens.other_screens import OtherScreens
from tui.screens.project_actions import ProjectActions
from tui.state.home_state import HomeState
from tui.state.project_list import Order, key_of
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import ProjectOverview, Run

_MINUTE_SECONDS = 60


class HomeScreen(MainScreen):
    """The panels, and a filter."""

    WHERE: ClassVar[Where] = Where.HOME
    RESTS: ClassVar[bool] = True

    BINDINGS: ClassVar[list[BindingType]] = [
        *MainScreen.BINDINGS,
        *(
            Binding(str(number), f"pane({number})", f"panel {number}", show=False, priority=True)
            for number in range(1, len(Panel) + 1)
        ),
    ]

    def __init__(
        self, *, now: Callable[[], datetime] = utc_now, host: str = platform.node()
    ) -> None:
        """Make the screen.

        Args:
            now: the clock.
            host: name of this machine.
        """
        super().__init__()
        self._now = now
        self._state = HomeState()
        self._panels = HomePanels(self._state, now)
        self._filter = Input(placeholder="filter", id="filter")
        self._filtered = Panel.PROJECTS
        self._reads = HomeReads(
            self, self._state, self._panels, self._show_changes, now=now, host=host
        )
        self._stale: set[str] = set()
        self._stale_projects: set[UUID] = set()
        self._clock: Timer | None = None
        self._is_ticking = False
        self._projects = ProjectActions(
            self,
            self._chosen_project,
            lambda: self._panels.group,
            self._state.marked,
            self._reads.load_projects,
        )
        self._others = OtherScreens(self, self._chosen_project, self._projects.not_open)

    def compose_body(self) -> ComposeResult:
        """Panels, filter."""
        yield self._panels
        yield self._filter

    def on_mount(self) -> None:
        """Look at the lab from now on."""
        self._filter.display = False
        self._panels.go_to(Panel.PROJECTS)
        self._reads.lab.start(lambda: self._reads.load({"boards"}))
        self._clock = self.set_interval(1.0, self._show_second, pause=True)
        self._wait_a_minute()

    def opened(self) -> None:
        """Show what the engine has: it is open."""
        self._reads.load(ALL)

    @property
    def is_loading(self) -> bool:
        """Keys wait for the first projects, and those for builds until the builds are there."""
        panels, reads = self._panels, self._reads
        if not panels.projects.items and reads.is_reading(Panel.PROJECTS):
            return True
        is_awaited = panels.focused is Panel.BUILDS and not panels.builds.items
        return super().is_loading or (is_awaited and reads.is_reading(Panel.BUILDS))

    @property
    def builds(self) -> Sequence[Run]:
        """The builds that are listed."""
        return self._panels.builds.items

    @property
    def is_ticking(self) -> bool:
        """Whether clocks and progress move, once a second."""
        return self._is_ticking

    def select_project(self, project_id: UUID) -> None:
        """Put the cursor on a project and show its builds, also where it is filtered or folded."""
        self._panels.go_to(Panel.BUILDS)
        self._panels.go_to(Panel.PROJECTS)
        rows = self._panels.projects
        if not any(key_of(row) == project_id for row in rows.items):
            self._state.texts.pop(Panel.PROJECTS, None)
            self._state.folded.clear()
            self._panels.show_projects()
        if any(key_of(row) == project_id for row in rows.items):
            rows.select(project_id)
        else:
            self._reads.load_projects(project_id)

    def on_screen_resume(self) -> None:
        """Load all anew: things may have changed meanwhile."""
        if self.app.engine is not None and self.app.is_open:
            self._stale |= ALL

    def on_screen_suspend(self) -> None:
        """Nothing moves while another screen is in front."""
        self._run_clock(is_running=False)

    def list_actions(self) -> Sequence[Action]:
        """Actions on what is chosen, on the list, and ways to other screens."""
        opened, build = self._projects.not_open, self._no_build
        return [
            *super().list_actions(),
            *self._projects.list_actions(),
            self.action("open", self._open_chosen, opened, self._nothing_to_open),
            self.action("filter", self._open_filter, opened, self._cannot_filter),
            self.action("mark", self._mark, opened, self._cannot_mark),
            self.action("outdated", self._mark_outdated, opened),
            self.action("compare", self._compare, opened, build, self._cannot_compare),
            self.action("order", self._change_order),
            self.action("group", self._change_grouping),
            self.action("cancel", self._cancel_run, opened, self._no_run, self._has_ended),
            self.action("retry", self._retry_run, opened, build, self._has_not_ended),
            self.action("next_panel", lambda: self._step(1)),
            self.action("previous_panel", lambda: self._step(-1)),
            self.action("left", lambda: self._go_to(Panel.PROJECTS)),
            self.action("right", lambda: self._go_to(Panel.BUILDS)),
            *self._others.list_actions(),
        ]

    @property
    def scroll_target(self) -> RowList[object]:
        """The list that has the focus."""
        return self._panels.focused_list

    def action_pane(self, number: int) -> None:
        """Textual's action of the number keys: go to a panel."""
        self._go_to(list(Panel)[number - 1])

    def handle_events(self, events: Sequence[Event]) -> None:
        """Load what changed, each once; what the line of state needs also while this is hidden."""
        if events:
            self._note(events)
        stale = set(self._stale) if self.is_current else self._stale & LAB
        self._stale -= stale
        self._reads.load(stale)
        if self._stale_projects:
            projects, self._stale_projects = self._stale_projects, set()
            self._reads.load_some(projects)

    def _note(self, events: Sequence[Event]) -> None:
        """Note what events make old."""
        from engine import changed_by

        chosen = self._panels.project
        chosen_id = str(chosen.project.id) if chosen is not None else ""
        for event in events:
            changes = changed_by(event)
            if changes.project_id:
                self._stale_projects.add(UUID(changes.project_id))
                if changes.project_id == chosen_id:
                    self._stale |= {"builds", "details"}
            if changes.work:
                self._stale.add("work")
            if changes.boards:
                self._stale.add("boards")
            if changes.state:
                self._stale.add("state")
            match event:
                case ProjectChanged():
                    self._state.doing[event.project_id] = event.detail
                    self._reads.lab.projects_changed()
                case RunProgress():
                    self._state.progress(event)
                case CheckCompleted():
                    self._reads.lab.check_completed(event)
                case _:
                    pass

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Show the builds of another project; load more near the last one."""
        panels = self._panels
        if message.rows is panels.projects:
            panels.show_builds((), empty=" loading" if panels.project else "")
            panels.show_details(())
            self._state.marked_builds.clear()
            self._reads.load({"builds", "details"})
        elif message.rows is panels.builds and panels.builds.at_end:
            self._reads.load_more()
        self._bar.refresh()

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """A double click does what enter does."""
        panel = self._panels.panel_of(message.rows)
        if panel is Panel.PROJECTS and self._panels.group is None:
            self._go_to(Panel.BUILDS)
        elif panel is not None:
            self._go_to(panel)
            self.action_do("open")

    def on_home_panels_details_shown(self) -> None:
        """Nobody read them while they were hidden."""
        self._reads.load({"details"})

    def on_descendant_focus(self) -> None:
        """A click chose another panel."""
        panel = self._panels.panel_of(self.focused)
        if panel is not None and panel is not self._panels.focused:
            self._go_to(panel)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter as it is typed."""
        if message.input is self._filter and self._filter.display:
            self._filter_by(message.value.strip())

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        """Give the focus to the list; the filter stays, and stands in its title."""
        self._close_filter()

    def escape(self) -> None:
        """Close what is open, step by step: the filter, what it hides, the marks."""
        panel, state = self._panels.focused, self._state
        if self._filter.display:
            self._filter_by("")
            self._close_filter()
        elif panel in state.texts:
            self._filtered = panel
            self._filter_by("")
        elif state.marked_projects or state.marked_builds:
            state.marked_projects.clear()
            state.marked_builds.clear()
            self._panels.show_marks()
            self._bar.refresh()

    def _chosen_project(self) -> ProjectOverview | None:
        return self._panels.project

    def _show_changes(self) -> None:
        """Other rows are shown: other keys may work, and clocks may move or stand."""
        self._bar.refresh()
        self._run_clock(is_running=self._state.is_running and self.is_current)

    def _run_clock(self, *, is_running: bool) -> None:
        """Move clocks and progress once a second, or not."""
        self._is_ticking = is_running
        if self._clock is not None:
            if is_running:
                self._clock.resume()
            else:
                self._clock.pause()

    def _show_second(self) -> None:
        self._panels.show_progress()

    def _wait_a_minute(self) -> None:
        self.set_timer(_MINUTE_SECONDS - self._now().second, self._show_minute)

    def _show_minute(self) -> None:
        """Ages and the clock are a minute older."""
        if self.is_current:
            self._panels.show_ages()
        self._reads.lab.show()
        self._wait_a_minute()

    def _go_to(self, panel: Panel) -> None:
        self._panels.go_to(panel)
        self._bar.refresh()

    def _step(self, by: int) -> None:
        panels = list(Panel)
        self._go_to(panels[(panels.index(self._panels.focused) + by) % len(panels)])

    def _open_filter(self) -> None:
        """Open the field in which one types what the list should have."""
        self._filtered = self._panels.focused
        self._filter.placeholder = f"filter the {self._filtered}: words that a row has"
        self._filter.value = self._state.texts.get(self._filtered, "")
        self._filter.display = True
        self.set_focus(self._filter)

    def _close_filter(self) -> None:
        self._filter.display = False
        self.set_focus(self._panels.focused_list)
        self._bar.refresh()

    def _filter_by(self, text: str) -> None:
        texts, panel = self._state.texts, self._filtered
        if texts.get(panel, "") == text:
            return
        if text:
            texts[panel] = text
        else:
            texts.pop(panel, None)
        shows: dict[Panel, Callable[[], None]] = {
            Panel.PROJECTS: self._panels.show_projects,
            Panel.WORK: self._panels.show_work,
            Panel.BOARDS: self._panels.show_boards,
            Panel.BUILDS: lambda: self._reads.load({"builds"}),
        }
        shows[panel]()
        self._bar.refresh()

    def _cannot_filter(self) -> str | None:
        return "details are not filtered" if self._panels.focused is Panel.DETAILS else None

    def _cannot_mark(self) -> str | None:
        panel = self._panels.focused
        if panel is Panel.PROJECTS:
            return None if self._panels.projects.item is not None else self._projects.no_project()
        if panel is Panel.BUILDS:
            return self._no_build()
        return f"{panel} cannot be marked: projects and builds can"

    def _mark(self) -> None:
        """Mark the project or the build, or not; on to the next."""
        rows, state = self._panels.focused_list, self._state
        if self._panels.focused is Panel.BUILDS:
            state.marked_builds ^= {self._chosen_build.number}
        elif self._panels.projects.item is not None:
            state.mark(self._panels.projects.item)
        self._panels.show_marks()
        rows.move(1)
        self._bar.refresh()

    def _mark_outdated(self) -> None:
        """Mark the projects whose tip was not built."""
        if not self._state.mark_outdated():
            self.notify("the tip of every project was built", markup=False)
        self._panels.show_marks()
        self._bar.refresh()

    def _cannot_compare(self) -> str | None:
        marked = len(self._state.marked_builds)
        if marked == 2 or (not marked and self._build_before() is not None):
            return None
        if marked:
            return f"{marked} marked: mark two builds to compare them"
        return "no build before this one: space marks two builds to compare"

    def _build_before(self) -> Run | None:
        """The build below the chosen one: the one before it."""
        builds, chosen = self._panels.builds.items, self._panels.builds.item
        return next((each for each in builds if chosen and each.number < chosen.number), None)

    def _compare(self) -> None:
        """Compare the two marked builds, else the chosen one with the one before."""
        from tui.screens.compare import CompareScreen

        marked, before = sorted(self._state.marked_builds), self._build_before()
        if len(marked) != 2:
            assert before is not None
            marked = [before.number, self._chosen_build.number]
        self.app.push_screen(CompareScreen(*marked))

    def _change_order(self) -> None:
        """Sort by what needs a person, or by name."""
        is_by_name = self._state.order is Order.NAME
        self._state.order = Order.ATTENTION if is_by_name else Order.NAME
        self._panels.show_projects()

    def _change_grouping(self) -> None:
        """Group the projects by chip, by prefix, or not."""
        self._state.next_grouping()
        self._panels.show_projects()

    def _open_chosen(self) -> None:
        """Open what is chosen: a run, a board's console; fold a group; say what is wrong."""
        panels = self._panels
        if panels.focused is Panel.WORK and panels.work.item is not None:
            self._show_run(panels.work.item.run)
        elif panels.focused is Panel.BOARDS and panels.boards.item is not None:
            from tui.screens.monitor import MonitorScreen

            self.app.push_screen(MonitorScreen(panels.boards.item.info.name))
        elif panels.focused is Panel.PROJECTS and panels.group is not None:
            self._state.fold(panels.group)
            panels.show_projects()
        elif panels.project is not None and self._is_unreachable(panels.project):
            from tui.screens.reader import LineReader

            project = panels.project.project
            self.app.push_screen(LineReader(project.name, project_problem(project)))
        else:
            self.app.show_build(self._chosen_build.number)

    def _show_run(self, run: Run) -> None:
        if run.kind is RunKind.FIRMWARE:
            self.app.show_build(run.number)
            return
        from tui.screens.task import TaskScreen

        self.app.push_screen(TaskScreen(run.number))

    def _cancel_run(self) -> None:
        """Cancel the build, or the task that is at work."""
        run = self._chosen_run
        service = self.engine.builds if run.kind is RunKind.FIRMWARE else self.engine.tasks
        self.in_thread(lambda: service.cancel(run.number))

    def _retry_run(self) -> None:
        """Run the build again, and show it."""
        build = self._chosen_build
        self.in_thread(
            lambda: self.engine.builds.retry(build.number),
            lambda _build: self.app.show_build(build.number),
            opens=True,
        )

    @property
    def _chosen_build(self) -> Run:
        """The chosen build: actions that need one are disabled without."""
        build = self._panels.builds.item
        assert build is not None
        return build

    @property
    def _chosen_run(self) -> Run:
        """What is chosen of what is at work, else the chosen build."""
        item = self._panels.work.item
        return item.run if self._panels.focused is Panel.WORK and item else self._chosen_build

    def _no_build(self) -> str | None:
        return self._projects.no_project() or (
            None if self._panels.builds.item is not None else "no build yet: press b"
        )

    def _no_run(self) -> str | None:
        if self._panels.focused is Panel.WORK:
            return None if self._panels.work.item is not None else "nothing runs or waits"
        return self._no_build()

    def _nothing_to_open(self) -> str | None:
        panels = self._panels
        if panels.focused is Panel.BOARDS:
            return None if panels.boards.item is not None else "there is no board"
        if panels.focused is Panel.WORK:
            return self._no_run()
        if panels.focused is Panel.PROJECTS and panels.group is not None:
            return None
        if panels.project is not None and self._is_unreachable(panels.project):
            return None
        return self._no_build()

    def _has_ended(self) -> str | None:
        run = self._chosen_run
        return ended_reason(run.kind.label, run.number, run.status)

    def _has_not_ended(self) -> str | None:
        build = self._chosen_build
        return not_ended_reason("build", build.number, build.status)

    def _is_unreachable(self, each: ProjectOverview) -> bool:
        """Whether enter says why a project cannot be built."""
        is_meant = self._panels.focused is Panel.PROJECTS or not self._panels.builds.items
        return each.project.status == ProjectStatus.ERROR and is_meant
