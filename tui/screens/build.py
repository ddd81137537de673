"""A build: its phases, a pane for each agent, what the firmware prints, findings, artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events as textual_events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Offset
from textual.widget import Widget
from textual.widgets import Input

from engine.events import Event
from engine.text import clean
from engine.words import BuildStatus, Role, StageStatus
from tui.build_view import BuildView, TailKey
from tui.keymap import Where
from tui.layout import PANES, Layout, arrange
from tui.rows import artifact_parts, finding_parts
from tui.screens.base import MainScreen
from tui.tail import MAX_LINES
from tui.widgets.drawn import Drawn
from tui.widgets.key_bar import KeyBar
from tui.widgets.live_pane import PAGE, LivePane
from tui.widgets.phase_line import PhaseLine
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine.store.logs import LogKey, LogMatch
    from engine.store.tables import Artifact, Build, FindingRow, StageRow

_ROLES = {role.value: role for role in Role}
_NAMES = {"serial": "SERIAL", "findings": "FINDINGS", "artifacts": "ARTIFACTS"}
_COLOURS = {
    StageStatus.PENDING: "dim",
    StageStatus.SKIPPED: "dim",
    StageStatus.RUNNING: "busy",
    StageStatus.SUCCESS: "good",
    StageStatus.FAILED: "bad",
    StageStatus.CANCELLED: "bad",
}
_LISTS = ("findings", "artifacts")


class BuildScreen(MainScreen):
    """One build, live or from the store."""

    WHERE: ClassVar[Where] = Where.BUILD
    BINDINGS: ClassVar[list[BindingType]] = [
        *MainScreen.BINDINGS,
        *(
            Binding(str(number), f"pane({number})", name, show=False, priority=True)
            for number, name in enumerate(PANES, 1)
        ),
    ]

    def __init__(self, number: int) -> None:
        super().__init__()
        self._view = BuildView(number)
        self._loaded = False
        self._waiting: list[Event] = []
        self._focused = "BUILDER"
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
            id="findings",
        )
        self._artifacts: RowList[Artifact] = RowList(
            draw=lambda row, _width: artifact_parts(row),
            key=lambda row: row.path,
            empty="nothing kept",
            id="artifacts",
        )
        self._logs = {
            name: LivePane(id=name, empty=" nothing yet")
            for name in PANES
            if name not in ("findings", "artifacts")
        }
        self._search = Input(placeholder="search in all logs of this build", id="search")

    @property
    def number(self) -> int:
        """The build's number."""
        return self._view.number

    def compose(self) -> ComposeResult:
        """Head, panes, search, keys."""
        self._head = PhaseLine(self._view, self.deck.glyphs)
        yield self._head
        self._room = Container(id="room")
        with self._room:
            yield self._list
            yield from self._logs.values()
            yield self._findings
            yield self._artifacts
        yield self._search
        self._bar = KeyBar(self.shown_keys, self.why_not)
        yield self._bar

    def on_mount(self) -> None:
        """Show the state of the store, then what happens."""
        self._search.display = False
        self._list.fill(PANES)
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
            return f"build {self.number} has ended already"
        if name == "retry" and not status.is_final:
            return f"build {self.number} has not ended"
        if name in ("next_match", "previous_match") and not self._matches:
            return "no search yet: press /"
        if name == "sizes" and not any(row.kind == "elf" for row in self._artifacts.items):
            return "no sizes: this build kept no program"
        if name == "follow" and self._focused in _LISTS:
            return "this pane is a list: logs are followed"
        pane = self._pane(self._focused)
        if name == "look" and isinstance(pane, RowList) and pane.item is None:
            return "nothing to look at"
        if name in ("next_log", "previous_log") and len(self._keys()) < 2:
            return "this pane has no other log"
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Move on with what happened; draws only what changed."""
        mine = [event for event in events if event.build_id == self.number]
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
            lambda: self.engine.builds.lines(self._log_key(key), message.first, PAGE),
            lambda lines: message.pane.give(message.tail, message.first, list(lines)),
        )

    def on_live_pane_chosen(self, message: LivePane.Chosen) -> None:
        """A click on a pane."""
        if message.pane.id:
            self._pick(message.pane.id)

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """A click on the list of panes."""
        if message.rows is self._list and self._list.item not in (None, self._focused):
            self._pick(self._list.item)

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """A double click on a finding or an artifact."""
        if message.rows in (self._findings, self._artifacts):
            self.do_look()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Search."""
        text = message.value.strip()
        self._close_search()
        if text:
            self.in_thread(lambda: self.engine.builds.search(self.number, text), self._found)

    def leave(self) -> None:
        """Out of the search, out of a large pane, home."""
        if self._search.display:
            self._close_search()
        elif self._enlarged:
            self.do_enlarge()
        else:
            self.do_back()

    def action_pane(self, number: int) -> None:
        """A number goes to a pane."""
        self._pick(PANES[number - 1])

    def do_back(self) -> None:
        """Home."""
        self.deck.pop_screen()

    def do_next_pane(self) -> None:
        """The next pane."""
        self._pick(PANES[(PANES.index(self._focused) + 1) % len(PANES)])

    def do_previous_pane(self) -> None:
        """The pane before."""
        self._pick(PANES[PANES.index(self._focused) - 1])

    def do_enlarge(self) -> None:
        """All the room for one pane, and back."""
        self._enlarged = not self._enlarged
        self._arrange()

    def do_look(self) -> None:
        """The finding or the artifact under the cursor; a log is enlarged."""
        from tui.screens import look

        if self._focused == "findings" and self._findings.item is not None:
            look.at_finding(self, self._findings.item)
        elif self._focused == "artifacts" and self._artifacts.item is not None:
            look.at_artifact(self, self._artifacts.item)
        else:
            self.do_enlarge()

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
        """Cancel the build."""
        self.in_thread(lambda: self.engine.builds.cancel(self.number))

    def do_retry(self) -> None:
        """Run again, from where a person says."""
        from tui.screens.confirm import Choose

        def ask(stages: Sequence[StageRow]) -> None:
            ran = dict.fromkeys(row.key for row in stages if row.started_at is not None)
            choices = [("", "from the start"), *((key, f"from {key}") for key in ran)]
            self.app.push_screen(Choose(f"Run build {self.number} again", choices), chosen)

        def chosen(stage: str | None) -> None:
            if stage is not None:
                self.in_thread(
                    lambda: self.engine.builds.retry(self.number, stage or None),
                    lambda _build: self._load(),
                )

        self.in_thread(lambda: self.engine.builds.stages(self.number), ask)

    def do_sizes(self) -> None:
        """What takes how much memory."""
        from tui.screens.sizes import SizesScreen

        self.app.push_screen(SizesScreen(self.number))

    def do_copy(self) -> None:
        """Copy what the pane shows."""
        pane = self._logs.get(self._focused)
        text = pane.visible_text() if pane is not None else self._text_of_list()
        self.app.copy_to_clipboard(text)
        self.notify("copied", markup=False, timeout=2)

    def do_left(self) -> None:
        """What is left of long lines."""
        self._move_aside(-8)

    def do_right(self) -> None:
        """What is right of long lines."""
        self._move_aside(8)

    @property
    def moved(self) -> Drawn:
        """The pane that has the focus."""
        return self._pane(self._focused)

    def _move_aside(self, cells: int) -> None:
        pane = self._logs.get(self._focused)
        if pane is not None:
            pane.scroll_aside(cells)

    def _load(self) -> None:
        """Read the build from the store; what happens meanwhile waits."""
        self._loaded = False

        def read() -> tuple[
            Build, Sequence[StageRow], str, list[tuple[LogKey, int, Sequence[str]]]
        ]:
            builds = self.engine.builds
            build = builds.get(self.number)
            project = self.engine.projects.get(str(build.project_id))
            message = build.commit_message.split("\n", 1)[0]
            title = f"{project.name}  {build.commit_sha[:10]}  {message}"
            tails = []
            for key in builds.logs(self.number):
                first = max(0, builds.line_count(key) - MAX_LINES)
                tails.append((key, first, builds.lines(key, first)))
            return build, builds.stages(self.number), title, tails

        def show(
            found: tuple[Build, Sequence[StageRow], str, list[tuple[LogKey, int, Sequence[str]]]],
        ) -> None:
            build, stages, title, tails = found
            if build.project_id is not None:
                self.deck.select_project(build.project_id)
            self._view.load(build, stages, title)
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

        builds = self.engine.builds
        self.in_thread(lambda: (builds.findings(self.number), builds.artifacts(self.number)), show)

    def _arrange(self) -> None:
        if not self.is_mounted or not self._room.size:
            return
        layout = arrange(
            self._room.size.width, self._room.size.height, self._focused, enlarged=self._enlarged
        )
        self._place(layout)
        pane = self._pane(self._focused)
        if not self._search.has_focus:
            self.set_focus(pane)
        self._list.select(self._focused)

    def _place(self, layout: Layout) -> None:
        boxes = {**layout.panes}
        widgets: dict[str, Widget] = {name: self._pane(name) for name in PANES}
        widgets["list"] = self._list
        if layout.list is not None:
            boxes["list"] = layout.list
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

    def _where_work_is(self) -> str:
        """The pane that is worth seeing until a person chooses one."""
        if self._view.status is BuildStatus.FAILED:
            return "findings"
        if self._view.status.is_final and self._keys("serial"):
            return "serial"
        running = [
            stage for stage in self._view.stages.values() if stage.status is StageStatus.RUNNING
        ]
        if any(stage.role == Role.TESTER for stage in running) and self._keys("serial"):
            return "serial"
        return running[0].role if running else self._focused

    def _go(self, name: str) -> None:
        if name == self._focused:
            self.set_focus(self._pane(name))
            return
        self._focused = name
        self._arrange()
        self._show_logs()
        self._bar.refresh()

    def _pane(self, name: str) -> Drawn:
        if name == "findings":
            return self._findings
        return self._artifacts if name == "artifacts" else self._logs[name]

    def _keys(self, name: str | None = None) -> list[TailKey]:
        name = name or self._focused
        return [] if name in _LISTS else self._view.keys_of(_ROLES.get(name))

    def _show_logs(self) -> None:
        self._beat += 1
        for place, (name, pane) in enumerate(self._logs.items()):
            # A flood of six panes in one frame would keep keys waiting and fill a slow line: panes
            # beside the chosen one take turns.
            if not pane.display or (name != self._focused and (place + self._beat) % 2):
                continue
            keys = self._keys(name)
            key = self._chosen.get(name)
            if key not in keys:
                key = keys[-1] if keys else None
            if key is not None:
                pane.show(self._view.tails[key])
            pane.sync()
            title = self._title_of(name, key, keys)
            if title != pane.title:
                pane.title = title

    def _title_of(self, name: str, key: TailKey | None, keys: list[TailKey]) -> str:
        role = _ROLES.get(name)
        which = ""
        if key is not None and len(keys) > 1:
            which = f" [{keys.index(key) + 1}/{len(keys)}]"
        if role is None:
            where = f" {key.stage.removeprefix('test.')}" if key is not None else ""
            return f" SERIAL{where}{which}"
        status, task = self._view.agent(role)
        stage = ""
        if key is not None and role == Role.TESTER:
            # Of its two stages at once, what is said is of the one that is shown.
            stage, task = f" {key.stage}", self._view.stages[key.stage].task
        sign = self.deck.glyphs.state(status)
        return clean(f" {sign} {name}{stage}{which} {task}")

    def _switch_log(self, step: int) -> None:
        keys = self._keys()
        now = self._chosen.get(self._focused, keys[-1])
        at = keys.index(now) if now in keys else len(keys) - 1
        self._chosen[self._focused] = keys[(at + step) % len(keys)]
        self._show_logs()

    def _close_search(self) -> None:
        self._search.display = False
        self.set_focus(self._pane(self._focused))

    def _found(self, matches: Sequence[LogMatch]) -> None:
        self._matches, self._match = matches, -1
        if not matches:
            self.notify("not found in any log of this build", severity="warning", markup=False)
            return
        self._go_to_match(0)

    def _go_to_match(self, index: int) -> None:
        from engine.store.logs import MAX_MATCHES

        self._match = index = index % len(self._matches)
        found = f"{len(self._matches)}{'+' if len(self._matches) == MAX_MATCHES else ''}"
        match = self._matches[index]
        key = TailKey(match.key.stage, match.key.attempt, match.key.stream)
        stage = self._view.stages.get(key.stage)
        if stage is None or key not in self._view.tails:
            return
        name = "serial" if key.stream == "serial" else str(stage.role)
        self._chosen[name] = key
        self._pick(name)
        self._show_logs()
        self._logs[name].to_line(match.line, mark=f"match {index + 1}/{found}")

    def _text_of_list(self) -> str:
        if self._focused == "findings":
            return "\n".join(f"{row.severity}: {row.finding.title}" for row in self._findings.items)
        return "\n".join(f"{row.path} {row.size} {row.sha256}" for row in self._artifacts.items)

    def _log_key(self, key: TailKey) -> LogKey:
        from engine.store.logs import LogKey

        return LogKey(self.number, key.stage, key.attempt, key.stream)

    def _draw_pane_name(self, name: str, width: int) -> Parts:
        number = PANES.index(name) + 1
        role = _ROLES.get(name)
        if role is None:
            count = {
                "findings": len(self._findings.items),
                "artifacts": len(self._artifacts.items),
                "serial": sum(self._view.tails[key].end for key in self._keys("serial")),
            }[name]
            return [(f" {number}   ", "dim"), (_NAMES[name], ""), (f" {count}", "dim")]
        status, _task = self._view.agent(role)
        sign = self.deck.glyphs.state(status)
        return [(f" {number} ", "dim"), (f"{sign} ", _COLOURS[status]), (name, "")]
