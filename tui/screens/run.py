"""What the screens of a build and of a task share: panes, findings, artifacts, search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events as textual_events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import Input

from engine.enums import RunStatus, StageStatus
from engine.events import Event, RunChanged
from engine.text import clean
from tui.presentation.pane_layout import Layout, Panes, arrange
from tui.presentation.result_rows import artifact_parts, finding_parts
from tui.screens.base import MainScreen
from tui.state.log_tail import MAX_LINES, LogTail
from tui.state.run_state import SERIAL, RunView, TailKey
from tui.theme import COLOURS
from tui.widgets.base import RowWidget
from tui.widgets.key_bar import KeyBar
from tui.widgets.live_pane import PAGE, LivePane
from tui.widgets.row_list import Parts, RowList
from tui.widgets.run_head import RunHead

if TYPE_CHECKING:
    from engine.runs.service import RunService
    from engine.store.logs import LogKey, LogMatch
    from engine.store.tables import Artifact, FindingRow, StageRow

FINDINGS, ARTIFACTS = "findings", "artifacts"


class RunScreen(MainScreen):
    """One run, live or from the store."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *MainScreen.BINDINGS,
        *(
            Binding(str(number), f"pane({number})", f"pane {number}", show=False, priority=True)
            for number in range(1, 10)
        ),
    ]
    WHAT: ClassVar[str]
    """What a run is called here: build or task."""

    HEAD: ClassVar[type[RunHead]] = RunHead

    def __init__(self, view: RunView, panes: Panes, focused: str) -> None:
        """Make a screen.

        Args:
            view: of the run.
            panes: that are known already.
            focused: the pane that is seen at first.
        """
        super().__init__()
        self._view = view
        self._panes = panes
        self._loaded = False
        self._waiting: list[Event] = []
        self._focused = focused
        self._picked = False
        self._beat = 0
        self._enlarged = False
        self._chosen: dict[str, TailKey] = {}
        self._matches: Sequence[LogMatch] = ()
        self._match = -1
        self._list: RowList[str] = RowList(
            draw=self._draw_pane_name, key=lambda name: name, id="panes"
        )
        self._list.title = " panes"
        self._list.can_focus = False
        self._findings: RowList[FindingRow] = RowList(
            draw=lambda row, _width: finding_parts(
                row, self.deck.glyphs, rounds=self._view.attempt
            ),
            key=lambda row: row.id,
            empty="nothing found",
            id=FINDINGS,
        )
        self._artifacts: RowList[Artifact] = RowList(
            draw=lambda row, _width: artifact_parts(row),
            key=lambda row: row.path,
            empty="nothing kept",
            id=ARTIFACTS,
        )
        self._lists: dict[str, RowList[Any]] = {
            FINDINGS: self._findings,
            ARTIFACTS: self._artifacts,
        }
        self._logs: dict[str, LivePane] = {}
        self._nothing = LogTail()
        self._search = Input(placeholder=f"search in all logs of this {self.WHAT}", id="search")

    @property
    @abstractmethod
    def runs(self) -> RunService:
        """Where runs of this kind are asked about."""

    @abstractmethod
    def _read(self) -> Callable[[], None]:
        """Read what the store says of the run; what it gives shows that. In a thread."""

    @abstractmethod
    def _where_work_is(self) -> str:
        """The pane that is worth seeing until a person chooses one."""

    @abstractmethod
    def _title_of(self, name: str, key: TailKey | None, which: str) -> str:
        """The title of a log's pane.

        Args:
            key: the log that it shows.
            which: which of how many logs that is, where there are several.
        """

    @abstractmethod
    def _name_of(self, name: str) -> str:
        """How the list of panes calls an agent's pane."""

    @property
    def number(self) -> int:
        """The run's number."""
        return self._view.number

    def compose(self) -> ComposeResult:
        """Head, panes, search, keys."""
        self._head = self.HEAD(self._view, self.deck.glyphs)
        yield self._head
        self._room = Container(id="room")
        with self._room:
            yield self._list
            yield from self._logs.values()
            yield from self._lists.values()
        yield self._search
        self._bar = KeyBar(self.shown_keys, self.why_not)
        yield self._bar

    def on_mount(self) -> None:
        """Show the state of the store, then what happens."""
        self._search.display = False
        self._list.fill(self._panes.names)
        self._list.select(self._focused)
        self._arrange()
        self._load()

    def on_resize(self, _event: textual_events.Resize) -> None:
        """Another size, another layout."""
        self.call_after_refresh(self._arrange)

    def why_not(self, name: str) -> str | None:
        """Why an action does nothing now."""
        status = self._view.status
        if name == "cancel" and status.is_final:
            return f"{self.WHAT} {self.number} has ended already"
        if name == "retry" and not status.is_final:
            return f"{self.WHAT} {self.number} has not ended"
        if name in ("next_match", "previous_match") and not self._matches:
            return "no search yet: press /"
        if name == "follow" and self._focused in self._lists:
            return "this pane is a list: logs are followed"
        if name == "save" and (self._focused != ARTIFACTS or self._artifacts.item is None):
            return "no artifact chosen: go to the artifacts"
        if name == "look" and self._focused in self._lists:
            return None if self._lists[self._focused].item is not None else "nothing to look at"
        if name in ("next_log", "previous_log") and len(self._keys()) < 2:
            return "this pane has no other log"
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Move on with what happened; draws only what changed."""
        mine = [event for event in events if event.run_id == self.number]
        for place, event in enumerate(mine):
            if isinstance(event, RunChanged) and event.status is RunStatus.PENDING:
                self._waiting = mine[place + 1 :]
                self._load()  # it is run again: what was is another story
                return
        if not self._loaded:
            self._waiting += mine
            return
        if mine:
            self._view.apply(mine)
            self._list.refresh()
            self._bar.refresh()
            if not self._picked:
                self._go(self._where_work_is())
        self._show_logs()
        if mine or not self._view.status.is_final:
            self._head.refresh()
        if self._view.results_changed:
            self._view.results_changed = False
            self._load_results()

    def on_live_pane_wanted(self, message: LivePane.Wanted) -> None:
        """Lines that are not in memory any more: from the store."""
        key = next((key for key, tail in self._view.tails.items() if tail is message.tail), None)
        if key is None:
            return
        self.in_thread(
            lambda: self.runs.lines(self._log_key(key), message.first, PAGE),
            lambda lines: message.pane.give(message.tail, message.first, list(lines)),
        )

    def on_live_pane_chosen(self, message: LivePane.Chosen) -> None:
        """A click on a pane."""
        name = next((name for name, pane in self._logs.items() if pane is message.pane), None)
        if name is not None:
            self._pick(name)

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """A click on the list of panes."""
        if message.rows is self._list and self._list.item not in (None, self._focused):
            self._pick(self._list.item)

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """A double click on a finding or an artifact."""
        if message.rows in self._lists.values():
            self.do_look()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Search."""
        text = message.value.strip()
        self._close_search()
        if text:
            self.in_thread(lambda: self.runs.search(self.number, text), self._found)

    def leave(self) -> None:
        """Out of the search, out of a large pane, back."""
        if self._search.display:
            self._close_search()
        elif self._enlarged:
            self.do_enlarge()
        else:
            self.do_back()

    def action_pane(self, number: int) -> None:
        """A number goes to a pane."""
        if number <= len(self._panes.names):
            self._pick(self._panes.names[number - 1])

    def do_back(self) -> None:
        """To where one came from."""
        self.deck.pop_screen()

    def do_next_pane(self) -> None:
        """The next pane."""
        names = self._panes.names
        self._pick(names[(names.index(self._focused) + 1) % len(names)])

    def do_previous_pane(self) -> None:
        """The pane before."""
        names = self._panes.names
        self._pick(names[names.index(self._focused) - 1])

    def do_enlarge(self) -> None:
        """All the room for one pane, and back."""
        self._enlarged = not self._enlarged
        self._arrange()

    def do_look(self) -> None:
        """The finding or the artifact under the cursor; a log is enlarged."""
        from tui.screens import open_result

        if self._focused == FINDINGS and self._findings.item is not None:
            open_result.at_finding(self, self.runs, self._findings.item)
        elif self._focused == ARTIFACTS and self._artifacts.item is not None:
            open_result.at_artifact(self, self.runs, self._artifacts.item)
        else:
            self.do_enlarge()

    def do_save(self) -> None:
        """Save the artifact under the cursor."""
        from tui.screens import open_result

        if self._artifacts.item is not None:
            open_result.save_artifact(self, self.runs, self._artifacts.item)

    def do_follow(self) -> None:
        """Follow the end, or stay."""
        pane = self._logs.get(self._focused)
        if pane is not None:
            pane.follow(not pane.following)

    def do_search(self) -> None:
        """Type what to search."""
        self._search.display = True
        self._search.value = ""
        self.set_focus(self._search)

    def do_next_match(self) -> None:
        """The next match."""
        self._go_to_match(self._match + 1)

    def do_previous_match(self) -> None:
        """The match before."""
        self._go_to_match(self._match - 1)

    def do_next_log(self) -> None:
        """The pane's next log."""
        self._switch_log(1)

    def do_previous_log(self) -> None:
        """The pane's log before."""
        self._switch_log(-1)

    def do_cancel(self) -> None:
        """Cancel the run."""
        self.in_thread(lambda: self.runs.cancel(self.number))

    def do_retry(self) -> None:
        """Run again, from where a person says."""
        from tui.screens.confirm import Choose

        def ask(stages: Sequence[StageRow]) -> None:
            ran = {row.key: row.status for row in stages if row.started_at is not None}
            keys = [each.key for each in self._view.pipeline.stages if each.key in ran]
            failed = {key for key in keys if ran[key] is StageStatus.FAILED}
            choices = [("", "from the start")]
            choices += [(key, f"from {key}{', which failed' * (key in failed)}") for key in keys]
            self.app.push_screen(Choose(f"Run {self.WHAT} {self.number} again", choices), chosen)

        def chosen(stage: str | None) -> None:
            if stage is not None:
                self.in_thread(lambda: self.runs.retry(self.number, stage or None))

        self.in_thread(lambda: self.runs.stages(self.number), ask)

    def do_copy(self) -> None:
        """Copy what the pane shows."""
        self.app.copy_to_clipboard(self._text_of(self._focused))
        self.notify("copied", markup=False, timeout=2)

    def do_left(self) -> None:
        """What is left of long lines."""
        self.moved.scroll_aside(-8)

    def do_right(self) -> None:
        """What is right of long lines."""
        self.moved.scroll_aside(8)

    @property
    def moved(self) -> RowWidget:
        """The pane that has the focus."""
        return self._pane(self._focused)

    def _load(self) -> None:
        """Read the run from the store; what happens meanwhile waits."""
        self._loaded = False

        def read() -> tuple[Callable[[], None], list[tuple[LogKey, int, Sequence[str]]]]:
            runs = self.runs
            show = self._read()
            tails = []
            for key in runs.logs(self.number):
                first = max(0, runs.line_count(key) - MAX_LINES)
                tails.append((key, first, runs.lines(key, first)))
            return show, tails

        def show(
            found: tuple[Callable[[], None], list[tuple[LogKey, int, Sequence[str]]]],
        ) -> None:
            show_it, tails = found
            self._view.forget()
            show_it()
            for key, first, lines in tails:
                self._view.log(key, first, lines)
            self._loaded = True
            waiting, self._waiting = self._waiting, []
            self._view.results_changed = True
            if not self._picked:
                self._go(self._where_work_is())
            self.take(waiting)
            self._head.refresh()
            self._list.refresh()
            self._bar.refresh()

        self.in_thread(read, show)

    def _load_results(self) -> None:
        def show(found: tuple[Sequence[FindingRow], Sequence[Artifact]]) -> None:
            findings = sorted(found[0], key=lambda row: (-row.attempt, row.rank))
            self._findings.title = f" FINDINGS {len(findings)}"
            self._artifacts.title = f" ARTIFACTS {len(found[1])}"
            self._findings.fill(findings)
            self._artifacts.fill(found[1])
            if not self._picked:
                self._findings.move_to(0)
            self._list.refresh()
            self._bar.refresh()

        runs = self.runs
        self.in_thread(lambda: (runs.findings(self.number), runs.artifacts(self.number)), show)

    def _arrange(self) -> None:
        if not self.is_mounted or not self._room.size:
            return
        layout = arrange(
            self._room.size.width,
            self._room.size.height,
            self._focused,
            self._panes,
            enlarged=self._enlarged,
        )
        self._place(layout)
        pane = self._pane(self._focused)
        if not self._search.has_focus:
            self.set_focus(pane)
        self._list.select(self._focused)

    def _place(self, layout: Layout) -> None:
        boxes = {**layout.panes}
        widgets: dict[str, Widget] = {name: self._pane(name) for name in self._panes.names}
        widgets["list"] = self._list
        if layout.list is not None:
            boxes["list"] = layout.list
        for widget in self._room.children:
            widget.display = widget in widgets.values()
        for name, widget in widgets.items():
            box = boxes.get(name)
            widget.display = box is not None
            if box is not None:
                widget.styles.offset = Offset(box.x, box.y)
                widget.styles.width, widget.styles.height = box.width, box.height

    def _pick(self, name: str) -> None:
        """Go to a pane that a person chose: from now on it is theirs to choose."""
        self._picked = True
        self._go(name)

    def _go(self, name: str) -> None:
        if name == self._focused:
            self.set_focus(self._pane(name))
            return
        self._focused = name
        self._arrange()
        self._show_logs()
        self._bar.refresh()

    def _pane(self, name: str) -> RowWidget:
        return self._lists[name] if name in self._lists else self._logs[name]

    def _keys(self, name: str | None = None) -> list[TailKey]:
        name = name or self._focused
        return [] if name in self._lists else self._view.keys_of(name)

    def _key(self, name: str) -> TailKey | None:
        """The log that a pane shows: the chosen one, else the newest."""
        keys = self._keys(name)
        chosen = self._chosen.get(name)
        return chosen if chosen in keys else keys[-1] if keys else None

    def _show_logs(self) -> None:
        self._beat += 1
        for place, (name, pane) in enumerate(self._logs.items()):
            # A flood of six panes in one frame would keep keys waiting and fill a slow line: panes
            # beside the chosen one take turns.
            if not pane.display or (name != self._focused and (place + self._beat) % 2):
                continue
            keys, key = self._keys(name), self._key(name)
            which = ""
            pane.show(self._view.tails[key] if key is not None else self._nothing)
            if key is not None:
                which = f" [{keys.index(key) + 1}/{len(keys)}]" if len(keys) > 1 else ""
            pane.sync()
            title = clean(self._title_of(name, key, which))
            if title != pane.title:
                pane.title = title

    def _switch_log(self, step: int) -> None:
        keys, now = self._keys(), self._key(self._focused)
        if now is not None:
            self._chosen[self._focused] = keys[(keys.index(now) + step) % len(keys)]
        self._show_logs()

    def _close_search(self) -> None:
        self._search.display = False
        self.set_focus(self._pane(self._focused))

    def _found(self, matches: Sequence[LogMatch]) -> None:
        self._matches, self._match = matches, -1
        if not matches:
            message = f"not found in any log of this {self.WHAT}"
            self.notify(message, severity="warning", markup=False)
            return
        self._go_to_match(0)

    def _go_to_match(self, index: int) -> None:
        from engine.store.logs import MAX_MATCHES

        self._match = index = index % len(self._matches)
        found = f"{len(self._matches)}{'+' if len(self._matches) == MAX_MATCHES else ''}"
        match = self._matches[index]
        key = TailKey(match.key.stage, match.key.attempt, match.key.stream)
        name = next((name for name in self._logs if key in self._keys(name)), None)
        if name is None:
            return
        self._chosen[name] = key
        self._show_match(name)
        self._pick(name)
        self._show_logs()
        self._logs[name].to_line(match.line, mark=f"match {index + 1}/{found}")

    def _show_match(self, name: str) -> None:
        """A line of this pane's log is to be seen."""

    def _text_of(self, name: str) -> str:
        """What a pane shows, to be copied."""
        if name == FINDINGS:
            return "\n".join(f"{row.severity}: {row.finding.title}" for row in self._findings.items)
        if name == ARTIFACTS:
            rows = self._artifacts.items
            return "\n".join(f"{row.path} {row.size} {row.sha256}" for row in rows)
        return self._logs[name].visible_text()

    def _log_key(self, key: TailKey) -> LogKey:
        from engine.store.logs import LogKey

        return LogKey(self.number, key.stage, key.attempt, key.stream)

    def _draw_pane_name(self, name: str, _width: int) -> Parts:
        place = self._panes.names.index(name) + 1
        number = str(place) if place < 10 else " "
        if name in self._panes.agents:
            status, _task = self._view.state(name)
            sign = self.deck.glyphs.state(status)
            return [
                (f" {number} ", "dim"),
                (f"{sign} ", COLOURS.get(status, "dim")),
                (self._name_of(name), ""),
            ]
        count = (
            sum(self._view.tails[key].end for key in self._keys(name))
            if name == SERIAL
            else len(self._lists[name].items)
        )
        return [(f" {number}   ", "dim"), (name.upper(), ""), (f" {count}", "dim")]
