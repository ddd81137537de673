"""The checks: how each is for each project, what it says, and when it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.widgets import Input

from engine.enums import CheckStatus
from engine.errors import UsageError
from engine.events import CheckCompleted, Event, ProjectChanged
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.check_rows import cell_details, cell_text, message_of, project_of
from tui.screens.ask import Ask, Field
from tui.screens.base import MainScreen
from tui.screens.confirm import Choose
from tui.widgets.check_matrix import CheckMatrix
from tui.widgets.details import Details

if TYPE_CHECKING:
    from engine import CheckCell, Run
    from tui.state.check_runs import CheckKey, CheckRun

_LOOK_SECONDS = 1.0
"""Seconds between two looks at what runs from here, for its age."""

_AGE_LOOKS = 5
"""Looks between two drawings of ages while nothing runs."""

_LOAD_LOOKS = 30
"""Looks between two loads: a result that stood still is told by no event."""

_NOTHING = " no checks yet: press q, then a to add a project"


class ChecksScreen(MainScreen):
    """A matrix of projects and checks, what the chosen cell says, and the keys."""

    WHERE: ClassVar[Where] = Where.CHECKS
    RESTS: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._matrix = CheckMatrix(draw=self._draw, id="matrix")
        self._matrix.title = " checks"
        self._details = Details()
        self._filter = Input(placeholder="filter: project, check, status, message", id="filter")
        self._all: Sequence[CheckCell] = ()
        self._is_loading = self._is_stale = False
        self._looks = 0

    def compose_body(self) -> ComposeResult:
        """The matrix, the filter, what the cell says."""
        yield self._matrix
        yield self._filter
        yield self._details

    def on_mount(self) -> None:
        """Show how things are, and look at what runs from now on."""
        self._filter.display = False
        self.set_focus(self._matrix)
        self._load()
        self.set_interval(_LOOK_SECONDS, self._look)

    def on_screen_resume(self) -> None:
        """Things may have changed meanwhile."""
        self._load()

    def list_actions(self) -> Sequence[Action]:
        """Actions on the chosen check of the chosen project."""
        cell, project, broken = self._no_cell, self._no_project, self._is_broken
        return [
            *super().list_actions(),
            self.action("open", self._open, cell),
            self.action("run", self._run, cell, broken, self._is_asked_for),
            self.action("run_all", self._run_all, cell),
            self.action("cancel", self._cancel, cell, self._is_not_asked_for),
            self.action("switch", self._switch, cell, broken),
            self.action("interval", self._ask_interval, cell, broken),
            self.action("project", self._show_project, cell, project),
            self.action("to_build", self._show_build, cell, project),
            self.action("filter", self._open_filter),
            self.action("left", lambda: self._matrix.move_aside(-1)),
            self.action("right", lambda: self._matrix.move_aside(1)),
            self.action("back", self.app.pop_screen),
        ]

    def handle_events(self, events: Sequence[Event]) -> None:
        """Load when a check has ended, here or in another process, or projects changed."""
        if any(isinstance(event, CheckCompleted | ProjectChanged) for event in events):
            self._load()

    def on_check_matrix_moved(self, _message: CheckMatrix.Moved) -> None:
        """Show what another cell says."""
        self._show_details()
        self._bar.refresh()

    def on_check_matrix_opened(self, _message: CheckMatrix.Opened) -> None:
        """Open a cell on a double click."""
        self.action_do("open")

    def on_resize(self) -> None:
        """Wrap the message for this width."""
        self.call_after_refresh(self._show_details)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter as it is typed."""
        if message.input is self._filter:
            self._show()

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        """Give the focus to the matrix; the filter stays."""
        self.set_focus(self._matrix)

    def escape(self) -> None:
        """Close the filter, and all that it hides comes back; else the screen."""
        if self._filter.display:
            self._filter.value = ""
            self._filter.display = False
            self.set_focus(self._matrix)
        else:
            self.app.pop_screen()

    @property
    def scroll_target(self) -> CheckMatrix:
        """The matrix."""
        return self._matrix

    @property
    def _cell(self) -> CheckCell:
        """The chosen cell: actions that need one are disabled without."""
        cell = self._matrix.cell
        assert cell is not None
        return cell

    def _no_cell(self) -> str | None:
        if self._matrix.cell is not None:
            return None
        return (
            "this check is not run for this project"
            if self._all
            else "no checks yet: add a project first"
        )

    def _no_project(self) -> str | None:
        return (
            "this check is about the lab, not about a project"
            if self._cell.project is None
            else None
        )

    def _is_broken(self) -> str | None:
        check = self._cell.check
        return f"{check.name} cannot be used: {check.problem}" if check.problem else None

    def _is_asked_for(self) -> str | None:
        return "this check is running already" if self._run_of(self._cell) is not None else None

    def _is_not_asked_for(self) -> str | None:
        return "you did not start this check here" if self._run_of(self._cell) is None else None

    def _run_of(self, cell: CheckCell) -> CheckRun | None:
        return self.app.check_runs.get(_key(cell))

    def _open(self) -> None:
        """Show the whole of it, and how it was before."""
        from tui.screens.check import CheckScreen

        self.app.push_screen(CheckScreen(self._cell))

    def _run(self) -> None:
        """Run the check now."""
        self._start([self._cell])

    def _run_all(self) -> None:
        """Run every check of the project, or of the lab, that can be run."""
        project = self._cell.project
        wanted = project.id if project is not None else None
        cells = [
            cell
            for cell in self._all
            if (cell.project.id if cell.project else None) == wanted and not cell.check.problem
        ]
        self._start(cells)

    def _start(self, cells: Sequence[CheckCell]) -> None:
        most = self.engine.settings.max_concurrent_checks
        self.app.check_runs.add(self.engine.checks, map(_key, cells), at_once=most)
        self._refresh()

    def _cancel(self) -> None:
        """End what was asked for."""
        self.app.check_runs.cancel(_key(self._cell))

    def _switch(self) -> None:
        """Switch the check off or on, for the project or for all."""
        cell = self._cell
        enabled = not cell.plan.enabled
        word = "on" if enabled else "off"
        self._ask_whose(
            f"Switch {cell.check.name} {word}?",
            cell,
            lambda project: self._configure(
                lambda: self.engine.checks.configure(cell.check.name, project, enabled=enabled)
            ),
        )

    def _ask_interval(self) -> None:
        """Ask how often the check should run, for the project or for all."""
        cell = self._cell

        def ask(project: str) -> None:
            def answered(typed: tuple[str, ...] | None) -> None:
                if typed is not None:
                    self._configure(
                        lambda: self.engine.checks.configure(
                            cell.check.name, project, interval=_minutes(typed[0])
                        )
                    )

            of = f" of {project}" if project else ""
            field = Field("minutes", f"{cell.plan.interval:g}")
            self.app.push_screen(
                Ask(f"Run {cell.check.name}{of} every", "Minutes.", [field], "set"), answered
            )

        self._ask_whose(f"How often should {cell.check.name} run?", cell, ask)

    def _ask_whose(self, question: str, cell: CheckCell, then: Callable[[str], None]) -> None:
        """Ask whether one project is meant or all, and go on with its name, empty for all."""
        if cell.project is None:
            then("")
            return
        name = cell.project.name
        choices = [
            ("one", f"for {name} only"),
            ("all", "for all projects without a setting of their own"),
        ]

        def chosen(whose: str | None) -> None:
            if whose is not None:
                then(name if whose == "one" else "")

        self.app.push_screen(Choose(question, choices), chosen)

    def _configure(self, change: Callable[[], object]) -> None:
        """Write into the settings, in a thread, then show what holds."""
        self.in_thread(change, lambda _none: self._load())

    def _show_project(self) -> None:
        """Go to the project at home."""
        project = self._cell.project
        assert project is not None
        self.app.pop_screen()
        self.app.select_project(project.id)

    def _show_build(self) -> None:
        """Show the newest build of the project."""
        project = self._cell.project
        assert project is not None

        def show(builds: Sequence[Run]) -> None:
            if builds:
                self.app.show_build(builds[0].number)
            else:
                self.show_error(f"{project.name} has no build yet")

        builds = self.engine.builds
        self.in_thread(lambda: builds.list(project_id=project.id, limit=1), show, opens=True)

    def _open_filter(self) -> None:
        """Open the field in which one types what rows should have."""
        self._filter.display = True
        self.set_focus(self._filter)

    def _look(self) -> None:
        """Draw the ages of what runs; show why something could not; now and then load."""
        if not self.is_current:
            return
        for problem in self.app.check_runs.take_problems():
            self.show_error(problem)
        self._looks += 1
        if self._looks % _LOAD_LOOKS == 0:
            self._load()
        elif self._looks % _AGE_LOOKS == 0 or self.app.check_runs.were_busy():
            self._refresh()

    def _load(self) -> None:
        """Read every cell in a thread: one read at a time, and again when news came meanwhile."""
        if self._is_loading:
            self._is_stale = True
            return
        self._is_loading = True

        def read() -> Sequence[CheckCell] | None:
            try:
                return self.engine.checks.matrix(details=False)
            finally:
                self._is_loading = False

        def show(cells: Sequence[CheckCell]) -> None:
            self._all = cells
            self._show()
            if self._is_stale:
                self._is_stale = False
                self._load()

        self.in_thread(read, show)

    def _show(self) -> None:
        text = self._filter.value.strip().lower()
        shown = [cell for cell in self._all if not text or text in _searched(cell)]
        self._matrix.title = f" checks  {_summary(self._all)}"
        self._matrix.fill(shown, empty=f" no check has {text!r}" if self._all else _NOTHING)

    def _refresh(self) -> None:
        self._matrix.refresh()
        self._show_details()
        self._bar.refresh()

    def _draw(self, cell: CheckCell) -> tuple[str, str]:
        return cell_text(cell, self._run_of(cell), self.app.glyphs, self._now)

    def _show_details(self) -> None:
        cell = self._matrix.cell
        if cell is None:
            self._details.show([])
            return
        run, width = self._run_of(cell), self._details.size.width
        self._details.show(cell_details(cell, run, self._now, width))

    @property
    def _now(self) -> datetime:
        return datetime.now(UTC)


def _key(cell: CheckCell) -> CheckKey:
    return cell.check.name, cell.project.id if cell.project is not None else None


def _minutes(typed: str) -> float:
    """A number of minutes.

    Raises:
        UsageError: it is none.
    """
    try:
        return float(typed)
    except ValueError as error:
        raise UsageError(f"{typed!r} is not a number of minutes") from error


def _searched(cell: CheckCell) -> str:
    """What the filter looks at."""
    status = cell.result.status if cell.result is not None else "soon"
    state = status if cell.plan.enabled else f"{status} off"
    return f"{project_of(cell)} {cell.check.name} {state} {message_of(cell)}".lower()


def _summary(cells: Sequence[CheckCell]) -> str:
    """How many cells are how."""
    found = [cell.result.status for cell in cells if cell.result is not None and cell.plan.enabled]
    counts = [(found.count(each), each) for each in (CheckStatus.ERROR, CheckStatus.WARNING)]
    said = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    broken = {cell.check.name for cell in cells if cell.check.problem}
    if broken:
        said.append(f"{len(broken)} broken")
    return ", ".join(said) or ("all passed" if found else "")
