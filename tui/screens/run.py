"""The base of the screens of a build and of a task: logs, findings, artifacts, search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.widgets import Input

from engine.enums import RunStatus, StageStatus
from engine.events import Event, RunChanged, RunCompleted, StageChanged
from engine.text import clean, count
from tui.actions import Action
from tui.presentation.labels import ended_reason, not_ended_reason, stage_label
from tui.presentation.pane_layout import Layout, Panes, Wants
from tui.screens import open_result
from tui.screens.panes import PanesScreen
from tui.screens.result_lists import ARTIFACTS, ResultLists
from tui.state.log_matches import LogMatches
from tui.state.log_tail import MAX_LINES, LogTail
from tui.state.run_state import RunView, TailKey
from tui.theme import STATE_COLOURS
from tui.widgets.base import RowWidget
from tui.widgets.live_pane import PAGE_LINES, LivePane
from tui.widgets.row_list import Parts, RowList
from tui.widgets.run_head import RunHead

if TYPE_CHECKING:
    from engine import Artifact, LogKey, LogMatch, RunService, StageRow, ToldFinding

_Read = tuple[Callable[[], None], list[tuple["LogKey", int, Sequence[str]]]]
"""A run as it was read: a function that shows its state; each log with the number of its first line
and its lines."""


class RunScreen(PanesScreen):
    """One run, live or from the store."""

    KIND: ClassVar[str]
    """``build`` or ``task``."""

    HEAD: ClassVar[type[RunHead]] = RunHead

    WRAPPED: ClassVar[Collection[str]] = ()
    """Panes whose lines are wrapped until a person has them cut."""

    def __init__(self, view: RunView, panes: Panes, focused: str) -> None:
        """Make a screen.

        Args:
            view: the state of the run.
            panes: that are known already.
            focused: the pane that is shown at first.
        """
        super().__init__(panes, focused)
        self._view = view
        self._is_loaded = False
        self._waiting: list[Event] = []
        """Events since the store is read."""

        self._is_opening = True
        """Whether it has not shown its results yet: keys that are typed meanwhile wait for them."""

        self._ticks = 0
        self._chosen_logs: dict[str, TailKey] = {}
        """Logs that a person chose, by their panes."""

        self._chosen_wraps: dict[str, bool] = {}
        """Panes whose lines a person had wrapped or cut."""

        self._matches = LogMatches()
        self._results = ResultLists(self, view)
        self._log_panes: dict[str, LivePane] = {}
        self._no_log = LogTail()
        self._search = Input(placeholder=f"search in all logs of this {self.KIND}", id="search")

    @property
    @abstractmethod
    def runs(self) -> RunService:
        """The engine's service for runs of this kind."""

    @abstractmethod
    def _read(self) -> Callable[[], None]:
        """Read the run from the store, in a thread; what it gives shows that."""

    @abstractmethod
    def _pane_to_show(self) -> str:
        """The pane that is worth seeing until a person chooses one."""

    @abstractmethod
    def _worth_room(self) -> tuple[Sequence[str], Sequence[str]]:
        """The panes that are worth room as the run stands, the most important first.

        Then those that are where there is room to spare.
        """

    @abstractmethod
    def _log_title(self, name: str, key: TailKey | None, which: str) -> str:
        """The title of a log's pane.

        Args:
            name: of the pane.
            key: the log that it shows.
            which: which attempt of how many that is, where there are several.
        """

    @abstractmethod
    def _agent_label(self, name: str) -> str:
        """An agent's pane in the list of panes."""

    @property
    def number(self) -> int:
        """The run's number."""
        return self._view.number

    @property
    def rests(self) -> bool:
        """Whether the run has ended: no clock moves."""
        return self._is_loaded and self._view.status.is_final

    def compose_body(self) -> ComposeResult:
        """Head, panes, search."""
        self._head = self.HEAD(self._view, self.app.glyphs)
        yield self._head
        with self._room:
            yield self._pane_list
            yield from self._log_panes.values()
            yield from self._results.by_name.values()
        yield self._search

    def on_mount(self) -> None:
        """Load the run from the store."""
        self._search.display = False
        self._load()

    def list_actions(self) -> Sequence[Action]:
        """Actions on the run, its panes, its logs, its findings and its artifacts."""
        return [
            *super().list_actions(),
            self.action("look", self._open_result, self._no_result),
            self.action("save", self._save_artifact, self._no_artifact),
            self.action("follow", self._follow, self._is_list),
            self.action("wrap", self._wrap, self._is_list),
            self.action("search", self._open_search),
            self.action("next_match", lambda: self._go_to_match(1), self._no_search),
            self.action("previous_match", lambda: self._go_to_match(-1), self._no_search),
            self.action("next_log", lambda: self._switch_log(1), self._no_other_log),
            self.action("previous_log", lambda: self._switch_log(-1), self._no_other_log),
            self.action("cancel", self._cancel, self._has_ended),
            self.action("retry", self._retry, self._has_not_ended),
            self.action("copy", lambda: self.copy_text(self._text_of(self._focused))),
            self.action("back", self.app.pop_screen),
        ]

    def handle_events(self, events: Sequence[Event]) -> None:
        """Move the state on with events of this run; draws only what changed."""
        mine = [event for event in events if event.run_id == self.number]
        for place, event in enumerate(mine):
            if isinstance(event, RunChanged) and event.status is RunStatus.PENDING:
                self._waiting = mine[place + 1 :]
                self._load()  # it is run again: nothing of what was shown holds
                return
        if not self._is_loaded:
            self._waiting += mine
            return
        if mine:
            self._view.apply(mine)
            self._pane_list.refresh()
            self._bar.refresh()
            if any(isinstance(event, StageChanged | RunCompleted) for event in mine):
                self._share_room()
            if not self._person_chose:
                self._focus_pane(self._pane_to_show())
        self._show_logs()
        if mine or not self._view.status.is_final:
            self._head.refresh()
        if self._view.results_changed:
            self._view.results_changed = False
            self._load_results()

    def on_live_pane_wanted(self, message: LivePane.Wanted) -> None:
        """Read lines from the store that are not in memory any more."""
        key = next((key for key, tail in self._view.tails.items() if tail is message.tail), None)
        if key is None:
            return
        self.in_thread(
            lambda: self.runs.lines(self._store_key(key), message.first, PAGE_LINES),
            lambda lines: message.pane.give(message.tail, message.first, list(lines)),
        )

    def on_live_pane_chosen(self, message: LivePane.Chosen) -> None:
        """Choose a pane by a click."""
        panes = self._log_panes.items()
        name = next((name for name, pane in panes if pane is message.pane), None)
        if name is not None:
            self._choose_pane(name)

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """Open a finding or an artifact by a double click."""
        if message.rows in self._results.by_name.values():
            self._open_result()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Search."""
        text = message.value.strip()
        self._close_search()
        if text:
            self.in_thread(
                lambda: self.runs.search(self.number, text), self._show_matches, opens=True
            )

    def escape(self) -> None:
        """Close the search, else end it, else the enlarged pane, else the screen."""
        if self._search.display:
            self._close_search()
        elif len(self._matches):
            self._matches.replace(())
            for pane in self._log_panes.values():
                pane.unmark()
            self._bar.refresh()
        elif self._enlarged:
            self._enlarge()
        else:
            self.app.pop_screen()

    def _has_ended(self) -> str | None:
        return ended_reason(self.KIND, self.number, self._view.status)

    def _has_not_ended(self) -> str | None:
        return not_ended_reason(self.KIND, self.number, self._view.status)

    def _no_search(self) -> str | None:
        return None if len(self._matches) else "no search yet: press /"

    def _is_list(self) -> str | None:
        is_list = self._focused in self._results.by_name
        return "this pane is a list: logs are followed" if is_list else None

    def _no_artifact(self) -> str | None:
        is_chosen = self._focused == ARTIFACTS and self._results.artifacts.item is not None
        return None if is_chosen else "no artifact chosen: go to the artifacts"

    def _no_result(self) -> str | None:
        rows = self._results.by_name.get(self._focused)
        return "nothing to look at" if rows is not None and rows.item is None else None

    def _no_other_log(self) -> str | None:
        return "this pane has no other log" if len(self._log_keys(self._focused)) < 2 else None

    def _open_result(self) -> None:
        """Open the finding or the artifact of the cursor; enlarge a log."""
        if not self._results.open(self._focused, self.runs):
            self._enlarge()

    def _save_artifact(self) -> None:
        artifact = self._results.artifacts.item
        if artifact is not None:
            open_result.save_artifact(self, self.runs, artifact)

    def _follow(self) -> None:
        """Follow the end of the log, or stay."""
        pane = self._log_panes.get(self._focused)
        if pane is not None:
            pane.follow(not pane.following)

    def _wrap(self) -> None:
        """Wrap the long lines of the pane, or cut them."""
        pane = self._log_panes.get(self._focused)
        if pane is not None:
            self._chosen_wraps[self._focused] = not pane.wraps
            pane.wrap_lines(not pane.wraps)
            self._share_room()

    def _wraps(self, name: str) -> bool:
        """Whether lines of a pane are wrapped: as a person chose, or where it has all the room."""
        return self._chosen_wraps.get(name, self._enlarged or name in self.WRAPPED)

    def _place(self, layout: Layout) -> None:
        for name, pane in self._log_panes.items():
            if name in layout.panes and pane.wraps is not self._wraps(name):
                pane.wrap_lines(self._wraps(name))
        super()._place(layout)

    def _cancel(self) -> None:
        self.in_thread(lambda: self.runs.cancel(self.number))

    def _retry(self) -> None:
        """Run it again, from where a person says."""
        from tui.screens.confirm import Choose

        def ask(stages: Sequence[StageRow]) -> None:
            ran = {row.key: row.status for row in stages if row.started_at is not None}
            keys = [each.key for each in self._view.pipeline.stages if each.key in ran]
            failed = {key for key in keys if ran[key] is StageStatus.FAILED}
            choices = [("", "from the start")]
            choices += [
                (key, f"from {stage_label(key)}{', which failed' * (key in failed)}")
                for key in keys
                if key != self._view.pipeline.stages[0].key or key in failed
            ]
            self.app.push_screen(Choose(f"Run {self.KIND} {self.number} again", choices), chosen)

        def chosen(stage: str | None) -> None:
            if stage is not None:
                self.in_thread(lambda: self.runs.retry(self.number, stage or None))

        self.in_thread(lambda: self.runs.stages(self.number), ask, opens=True)

    def _load(self) -> None:
        """Read the run from the store; events wait meanwhile."""
        self._is_loaded = False

        def read() -> _Read:
            runs = self.runs
            show_state = self._read()
            logs = []
            for key in runs.logs(self.number):
                first = max(0, runs.line_count(key) - MAX_LINES)
                logs.append((key, first, runs.lines(key, first)))
            return show_state, logs

        self.in_thread(read, self._show_loaded)

    def _show_loaded(self, read: _Read) -> None:
        show_state, logs = read
        self._view.forget()
        show_state()
        for key, first, lines in logs:
            self._view.log(key, first, lines)
        self._is_loaded = True
        waiting, self._waiting = self._waiting, []
        self._view.results_changed = True
        self._share_room()
        if not self._person_chose:
            self._focus_pane(self._pane_to_show())
        self.handle_events(waiting)
        self._head.refresh()
        self._pane_list.refresh()
        self._bar.refresh()

    def _load_results(self) -> None:
        def show(found: tuple[Sequence[ToldFinding], Sequence[Artifact]]) -> None:
            self._results.fill(*found)
            self._is_opening = False
            if not self._person_chose:
                self._results.findings.move_to(0)
            self._share_room()
            self._pane_list.refresh()
            self._bar.refresh()

        runs, number = self.runs, self.number
        self.in_thread(
            lambda: (runs.listed_findings(number), runs.artifacts(number, superseded=True)),
            show,
            opens=self._is_opening,
        )

    def _share_room(self) -> None:
        """Arrange the panes for what happens now: a stage began or ended, or results came."""
        rows = {name: len(each.items) + 1 for name, each in self._results.by_name.items()}
        if self._view.status.is_final:
            for name, pane in self._log_panes.items():
                key = self._log_key(name)
                if not pane.wraps:
                    rows[name] = 1 + (self._view.tails[key].end if key is not None else 0)
        worth, spare = (tuple(dict.fromkeys(names)) for names in self._worth_room())
        self._want(Wants(worth, spare, rows))

    def _focus_changed(self) -> None:
        self._show_logs()
        self._bar.refresh()

    def _pane(self, name: str) -> RowWidget:
        return (
            self._results.by_name[name] if name in self._results.by_name else self._log_panes[name]
        )

    def _log_keys(self, name: str) -> list[TailKey]:
        """The logs that a pane can show."""
        return [] if name in self._results.by_name else self._view.keys_of(name)

    def _log_key(self, name: str) -> TailKey | None:
        """The log that a pane shows: the chosen one, else the newest."""
        keys = self._log_keys(name)
        chosen = self._chosen_logs.get(name)
        return chosen if chosen in keys else keys[-1] if keys else None

    def _show_logs(self) -> None:
        self._ticks += 1
        for place, (name, pane) in enumerate(self._log_panes.items()):
            # A flood of six panes in one frame would keep keys waiting and fill a slow line: panes
            # beside the chosen one take turns.
            if pane.display and (name == self._focused or (place + self._ticks) % 2 == 0):
                self._show_log(name, pane)

    def _show_log(self, name: str, pane: LivePane) -> None:
        key = self._log_key(name)
        pane.show(self._view.tails[key] if key is not None else self._no_log)
        pane.sync()
        title = clean(self._log_title(name, key, self._which(name, key)))
        if title != pane.title:
            pane.title = title

    def _which(self, name: str, key: TailKey | None) -> str:
        """Which attempt a log is of, where its pane has logs of several."""
        attempts = {each.attempt for each in self._log_keys(name)}
        if key is None or (len(attempts) < 2 and self._view.attempt < 2):
            return ""
        cause = self._view.cause(key.attempt)
        return f"attempt {key.attempt} of {self._view.attempt}{f' ({cause})' if cause else ''}"

    def _switch_log(self, by: int) -> None:
        keys, now = self._log_keys(self._focused), self._log_key(self._focused)
        if now is not None:
            self._chosen_logs[self._focused] = keys[(keys.index(now) + by) % len(keys)]
            self._share_room()
        self._show_logs()

    def _open_search(self) -> None:
        self._search.display = True
        self._search.value = ""
        self.set_focus(self._search)

    def _close_search(self) -> None:
        self._search.display = False
        self.set_focus(self._pane(self._focused))

    def _show_matches(self, matches: Sequence[LogMatch]) -> None:
        self._matches.replace(matches)
        if matches:
            self._go_to_match(1)
            return
        message = f"not found in any log of this {self.KIND}"
        self.notify(message, severity="warning", markup=False)

    def _go_to_match(self, by: int) -> None:
        match = self._matches.step(by)
        key = TailKey(match.key.stage, match.key.attempt, match.key.stream)
        name = next((name for name in self._log_panes if key in self._log_keys(name)), None)
        if name is None:
            return
        self._chosen_logs[name] = key
        self._show_as_log(name)
        self._choose_pane(name)
        self._show_logs()
        self._log_panes[name].to_line(match.line, mark=self._matches.place)

    def _show_as_log(self, name: str) -> None:
        """Have a pane show its log, where it can show something else of it."""

    def _text_of(self, name: str) -> str:
        """The text of a pane, to be copied."""
        if name in self._results.by_name:
            return self._results.text_of(name)
        return self._log_panes[name].visible_text()

    def _store_key(self, key: TailKey) -> LogKey:
        from engine import LogKey

        return LogKey(self.number, key.stage, key.attempt, key.stream)

    def _draw_pane_name(self, name: str, width: int) -> Parts:
        place = self._panes.names.index(name) + 1
        number = str(place % 10) if place <= 10 else " "
        if name in self._panes.agents:
            status, _task = self._view.state(name)
            sign = self.app.glyphs.state(status)
            return [
                (f" {number} ", "dim"),
                (f"{sign} ", STATE_COLOURS.get(status, "dim")),
                (self._agent_label(name), ""),
            ]
        parts = [(f" {number}   ", "dim"), (name.upper(), "")]
        told = self._count_of(name)
        if sum(len(text) for text, _ in parts) + len(told) < width:
            return [*parts, (f" {told}", "dim")]
        return parts  # a bare number would say of nothing what it counts

    def _count_of(self, name: str) -> str:
        """How much a pane has that is no agent's."""
        if name in self._results.by_name:
            return str(self._results.count_of(name))
        key = self._log_key(name)
        return count(self._view.tails[key].end if key is not None else 0, "line")
