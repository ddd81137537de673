"""One check of one project: every result that is kept, and what each found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from engine.events import CheckCompleted, Event
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.check_rows import age_of, detail_lines, message_of, project_of
from tui.presentation.units import day_and_clock, span
from tui.screens.base import MainScreen
from tui.state.log_tail import LogTail
from tui.theme import STATE_COLOURS
from tui.widgets.base import RowWidget
from tui.widgets.live_pane import LivePane
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import CheckCell, CheckResultRow
    from tui.state.check_runs import CheckKey

_ASIDE_CELLS = 8
_LISTED_RESULTS = 200
_WHEN_CELLS = len("01-31 12:00Z")
_WIDE_CELLS = 90
"""Width from which a result says who asked for it."""
_LOOK_SECONDS = 1.0


def _line_class(line: str) -> str:
    """The colour for a line of details: what is not indented is a name."""
    return "text" if line.startswith(" ") or not line else "note"


class CheckScreen(MainScreen):
    """Results above, the newest first; below what the chosen one found."""

    WHERE: ClassVar[Where] = Where.CHECK
    RESTS: ClassVar[bool] = True

    def __init__(self, cell: CheckCell) -> None:
        super().__init__()
        self._cell = cell
        self._results: RowList[CheckResultRow] = RowList(
            draw=self._draw,
            key=lambda result: result.id,
            empty=" loading",
            head=_head,
            id="results",
        )
        self._found = LivePane(classify=_line_class, empty=" nothing", id="found")
        self._shown: object = None
        self._is_busy = False

    def compose_body(self) -> ComposeResult:
        """Results, what one found."""
        yield self._results
        yield self._found

    def on_mount(self) -> None:
        """Show the results."""
        self._set_title()
        self.set_focus(self._results)
        self._load()
        self.set_interval(_LOOK_SECONDS, self._look)

    def list_actions(self) -> Sequence[Action]:
        """Actions on the results, and ways through them."""
        return [
            *super().list_actions(),
            self.action("other", self._focus_other),
            self.action("run", self._run, self._cannot_run),
            self.action("cancel", self._cancel, self._not_running),
            self.action("copy", self._copy, self._no_result),
            self.action("left", lambda: self._found.scroll_aside(-_ASIDE_CELLS)),
            self.action("right", lambda: self._found.scroll_aside(_ASIDE_CELLS)),
            self.action("back", self.app.pop_screen),
        ]

    def handle_events(self, events: Sequence[Event]) -> None:
        """Load when the check has ended, here or in another process."""
        name, project_id = self._key
        project = str(project_id or "")
        if any(
            isinstance(event, CheckCompleted) and (event.check, event.project_id) == (name, project)
            for event in events
        ):
            self._load()

    def on_row_list_moved(self, _message: RowList.Moved) -> None:
        """Show what another result found."""
        self._show_found()
        self._bar.refresh()

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """Read it on a double click."""
        self.set_focus(self._found)

    def on_live_pane_chosen(self, _message: LivePane.Chosen) -> None:
        """Read it on a click."""
        self.set_focus(self._found)

    def on_resize(self) -> None:
        """Wrap for this width."""
        self._shown = None
        self.call_after_refresh(self._show_found)

    def escape(self) -> None:
        """Go back to the checks."""
        self.app.pop_screen()

    @property
    def scroll_target(self) -> RowWidget:
        """The results, or what one found: whichever has the focus."""
        return self._found if self._found.has_focus else self._results

    @property
    def _key(self) -> CheckKey:
        return self._cell.check.name, self._cell.project.id if self._cell.project else None

    def _no_result(self) -> str | None:
        return "this check has not run yet" if self._results.item is None else None

    def _cannot_run(self) -> str | None:
        if self._cell.check.problem:
            return f"this check cannot be used: {self._cell.check.problem}"
        return (
            "this check is running already"
            if self.app.check_runs.get(self._key) is not None
            else None
        )

    def _not_running(self) -> str | None:
        return (
            "you did not start this check here"
            if self.app.check_runs.get(self._key) is None
            else None
        )

    def _focus_other(self) -> None:
        self.set_focus(self._results if self._found.has_focus else self._found)

    def _run(self) -> None:
        """Run it now."""
        most = self.engine.settings.max_concurrent_checks
        self.app.check_runs.add(self.engine.checks, [self._key], at_once=most)
        self._look()

    def _cancel(self) -> None:
        """End what was asked for."""
        self.app.check_runs.cancel(self._key)

    def _copy(self) -> None:
        """Copy what the result says and found."""
        result = self._results.item
        assert result is not None and result.id is not None
        number = result.id
        self.in_thread(
            lambda: "\n".join(detail_lines(self.engine.checks.result(number), width=10_000)),
            self.copy_text,
        )

    def _look(self) -> None:
        """Say in the title whether it runs; show why it could not."""
        if not self.is_current:
            return
        for problem in self.app.check_runs.take_problems():
            self.show_error(problem)
        is_busy = self.app.check_runs.get(self._key) is not None
        if is_busy or self._is_busy:
            self._is_busy = is_busy
            self._set_title()
            self._bar.refresh()

    def _set_title(self) -> None:
        run = self.app.check_runs.get(self._key)
        doing = ""
        if run is not None:
            doing = "  waits" if run.seconds is None else f"  runs {span(run.seconds)}"
        self._results.title = f" {self._cell.check.name} of {project_of(self._cell)}{doing}"

    def _load(self) -> None:
        name, project_id = self._key

        def show(results: Sequence[CheckResultRow]) -> None:
            self._results.styles.height = max(1, len(results)) + 2  # the style sheet has the most
            self._results.fill(results, empty=f" {message_of(self._cell)}")
            self._show_found()
            self._bar.refresh()

        self.in_thread(
            lambda: self.engine.checks.history(
                name, project_id, limit=_LISTED_RESULTS, details=False
            ),
            show,
        )

    def _show_found(self) -> None:
        """Show what the chosen result found; its details are read and laid out in a thread."""
        result, width = self._results.item, self._found.size.width - 2
        if result is None or result.id is None or result.id == self._shown:
            return
        self._shown = number = result.id

        def read() -> list[str]:
            return detail_lines(self.engine.checks.result(number), width)

        def show(lines: list[str]) -> None:
            if self._shown != number:
                return
            self._found.title = f" {when(result)}: {result.status}"
            tail = LogTail()
            tail.extend(0, lines)
            self._found.show(tail)
            self._found.to_first()

        self.in_thread(read, show)

    def _draw(self, result: CheckResultRow, width: int) -> Parts:
        is_newest = result is self._results.items[0]
        colour = STATE_COLOURS.get(result.status, "dim")
        parts = [
            (f" {self.app.glyphs.state(result.status)} {result.status:<7}", colour),
            (f"  {when(result):<{_WHEN_CELLS}}", ""),
            (f"  {age_of(result, datetime.now(UTC)) if is_newest else '':>6}", "dim"),
            (f" {result.duration_seconds:7.1f} s", "dim"),
        ]
        if width >= _WIDE_CELLS:
            parts.append((f"  {result.triggered_by:<8}", "dim"))
        return [*parts, (f"  {result.message}", "")]


def _head(width: int) -> Parts:
    """The heads of the columns of the results."""
    times = f"{'when':<{_WHEN_CELLS}}  {'age':>6} {'took':>9}"
    by = f"  {'by':<8}" if width >= _WIDE_CELLS else ""
    return [(f"   {'state':<7}  {times}{by}  message", "dim")]


def when(result: CheckResultRow) -> str:
    """When a result was found, by this machine's clock."""
    return day_and_clock(result.timestamp)[5:]
