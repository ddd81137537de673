"""The consoles of boards, live: one full, or several side by side; kept as sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from textual import events as textual_events
from textual.app import ComposeResult
from textual.widgets import Input

from engine import EOLS, Finding, Plot
from engine.errors import EspdeckError
from engine.events import Event
from engine.text import clean
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.line_class import console_class
from tui.presentation.pane_layout import Box, tiles
from tui.presentation.result_rows import describe_finding
from tui.screens.base import MainScreen
from tui.state.board_console import BAUDS, FINDING_PREFIX, BoardConsole
from tui.widgets.chart import Chart
from tui.widgets.live_pane import LivePane
from tui.widgets.pane_container import PaneContainer

CHART_ROWS = 9
"""Height of the chart, with its title; never more than a third of the screen."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is typed below the consoles.

    Args:
        placeholder: what to type.
        take: what is done with it; raises what makes no sense of it.
        stays: whether the next line can be typed at once.
    """

    placeholder: str
    take: Callable[[str], None]
    stays: bool = False


class _Room(PaneContainer):
    """Where consoles stand; they are arranged anew whenever its size changes."""

    def __init__(self, arrange: Callable[[], None]) -> None:
        super().__init__(id="consoles")
        self._arrange_all = arrange

    def on_resize(self, _event: textual_events.Resize) -> None:
        """More or less room."""
        self._arrange_all()


class MonitorScreen(MainScreen):
    """Consoles of which one has the keys."""

    WHERE: ClassVar[Where] = Where.MONITOR
    RESTS: ClassVar[bool] = True  # consoles tell the app that they have news

    def __init__(self, *boards: str) -> None:
        """Watch these boards."""
        super().__init__()
        self._consoles = [BoardConsole(board) for board in boards]
        self._panes = [
            LivePane(
                id=f"console-{number}",
                classify=console_class,
                empty=" nothing yet",
                marks=console.marks,
            )
            for number, console in enumerate(self._consoles)
        ]
        self._with_findings = [False] * len(self._consoles)
        """Whether each console had findings when the keys were drawn."""

        self._at = 0
        self._enlarged = False
        self._chart = Chart(id="chart")
        self._typed = Input(id="typed")
        self._ask: Ask | None = None
        self._recalled = 0

    def compose_body(self) -> ComposeResult:
        """The consoles, the chart, what is typed."""
        self._room = _Room(self._arrange)
        with self._room:
            yield from self._panes
        yield self._chart
        yield self._typed

    def on_mount(self) -> None:
        """Read the boards from now on."""
        self._typed.display = False
        self._chart.display = False
        for console in self._consoles:
            self._read(console, reset=False)

    def on_unmount(self) -> None:
        """The boards are free again."""
        for console in self._consoles:
            console.stop()

    def on_live_pane_chosen(self, message: LivePane.Chosen) -> None:
        """A click on a console gives it the keys."""
        self._go(self._panes.index(message.pane))

    def list_actions(self) -> Sequence[Action]:
        """Actions on the consoles, and on the board whose console has the keys."""
        several = self._only_one
        found, search = self._nothing_found, self._no_search
        return [
            *super().list_actions(),
            self.action("send", self._send_lines),
            self.action("send_file", self._send_file),
            self.action("eol", self._next_line_end),
            self.action("search", self._search),
            self.action("next_match", lambda: self._go_to_match(1), search),
            self.action("previous_match", lambda: self._go_to_match(-1), search),
            self.action("filter", self._filter),
            self.action("highlight", self._highlight),
            self.action("mute", self._mute),
            self.action("plot", self._plot),
            self.action("hex", self._toggle_hex),
            self.action("timestamps", self._toggle_timestamps),
            self.action("pause", self._toggle_pause),
            self.action("follow", self._toggle_follow),
            self.action("wrap", lambda: self._pane.wrap_lines(not self._pane.wraps)),
            self.action("baud", self._next_baud),
            self.action("reset", self._reset_board),
            self.action("boot", self._enter_bootloader),
            self.action("dtr", self._toggle_dtr),
            self.action("rts", self._toggle_rts),
            self.action("findings", self._show_findings, found),
            self.action("to_finding", self._go_to_finding, found),
            self.action("next_pane", lambda: self._step_pane(1), several),
            self.action("previous_pane", lambda: self._step_pane(-1), several),
            self.action("enlarge", self._enlarge, several),
            self.action("copy", lambda: self.copy_text(self._pane.visible_text())),
            self.action("left", lambda: self._pane.scroll_aside(-8)),
            self.action("right", lambda: self._pane.scroll_aside(8)),
            self.action("first", lambda: self._pane.to_first(self._current.tail.first)),
            self.action("back", self.app.pop_screen),
        ]

    def _only_one(self) -> str | None:
        return "only one board is shown" if len(self._consoles) == 1 else None

    def _nothing_found(self) -> str | None:
        return None if self._current.findings else "nothing was found"

    def _no_search(self) -> str | None:
        return None if self._current.search else "no search yet: press /"

    def handle_events(self, events: Sequence[Event]) -> None:
        """Show what came since the last time."""
        if not self.is_mounted:
            return  # it has no keys to draw yet; the consoles keep what comes
        for console, pane in zip(self._consoles, self._panes, strict=True):
            for number, rows in console.take():
                pane.shift(number, rows)
            pane.show(console.tail)
            pane.title = f" {clean(console.title)}"
            pane.sync()
        with_findings = [bool(console.findings) for console in self._consoles]
        if with_findings != self._with_findings:
            self._with_findings = with_findings
            self._bar.refresh()
        self._chart.sync()

    def escape(self) -> None:
        """Out of what is typed, out of the search, out of the console."""
        if self._typed.display:
            self._close_typed()
        elif self._current.search:
            self._current.search = ""
            self._pane.to_last()
            self._bar.refresh()
        else:
            self.app.pop_screen()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Do what was asked for with what was typed."""
        if self._ask is None:
            return
        try:
            self._ask.take(message.value)
        except EspdeckError as error:
            self.show_error(str(error))
            return
        self._typed.value = ""
        self._recalled = 0
        if not self._ask.stays:
            self._close_typed()

    def on_key(self, event: textual_events.Key) -> None:
        """Up and down go through what was typed before."""
        if self._typed.has_focus and self._ask is not None and self._ask.stays:
            steps = {"up": 1, "down": -1}.get(event.key)
            if steps is not None:
                event.stop()
                self._recall(steps)

    def _send_lines(self) -> None:
        """Type lines to the board."""
        console = self._current
        self._open_typed(
            Ask(
                f"a line to {console.called}, ended by {console.eol.upper()}",
                console.send_line,
                stays=True,
            )
        )

    def _send_file(self) -> None:
        """Send a file."""
        console = self._current

        def send(name: str) -> None:
            path = Path(name).expanduser()
            self.run_worker(lambda: console.send_file(path), thread=True, exit_on_error=False)

        self._open_typed(Ask(f"a file to send to {console.called} as it is", send))

    def _next_line_end(self) -> None:
        """The next end of a line."""
        names = [*EOLS]
        self._current.eol = names[(names.index(self._current.eol) + 1) % len(names)]
        self.notify(f"Enter sends {self._current.eol.upper()}", markup=False, timeout=2)

    def _search(self) -> None:
        """Search in what is in memory."""

        def search(text: str) -> None:
            self._current.search = text.strip().lower()
            self._bar.refresh()
            self._pane.follow(self._pane.following)  # the marks of the search before go
            if self._current.search:
                self._go_to_nearest_match()

        self._open_typed(Ask("search in the lines in memory, upper and lower case alike", search))

    def _go_to_nearest_match(self) -> None:
        """To the first match from what is seen on, else to the last one above."""
        matches, first = self._current.matches(), self._pane.first_seen
        self._show_match(matches, next((each for each in matches if each >= first), None))

    def _go_to_match(self, by: int) -> None:
        """To the next match below or above the one that is shown, round and round."""
        matches, at = self._current.matches(), self._pane.marked
        if by > 0:
            number = next((each for each in matches if at is not None and each > at), None)
            self._show_match(matches, number if number is not None or not matches else matches[0])
        else:
            before = [each for each in matches if at is None or each < at]
            self._show_match(matches, before[-1] if before else None)

    def _show_match(self, matches: Sequence[int], number: int | None) -> None:
        """Show a match, the last one for none."""
        if not matches:
            self.show_error(f"{self._current.search!r} is in none of the lines in memory")
            return
        number = matches[-1] if number is None else number
        self._pane.to_line(number, mark=f"match {matches.index(number) + 1} of {len(matches)}")

    def _filter(self) -> None:
        """Which lines to show."""
        self._ask_view("print_filter", "print filter, such as wifi:W *:I")

    def _highlight(self) -> None:
        """What to mark."""
        self._ask_view("highlight", "mark what matches, such as heap|[0-9]+ bytes free")

    def _mute(self) -> None:
        """Which lines to hide."""
        self._ask_view("mute", "hide lines in which this is found, such as ^D ")

    def _plot(self) -> None:
        """Which numbers to draw."""

        def draw(pattern: str) -> None:
            self._current.plot = Plot(pattern) if pattern else None
            self._show_chart()

        before = self._current.plot.text if self._current.plot is not None else ""
        self._open_typed(Ask("draw the numbers in groups, such as temp=([-0-9.]+)", draw), before)

    def _toggle_hex(self) -> None:
        """Bytes or lines."""
        self._change(hex=not self._current.view.hex)

    def _toggle_timestamps(self) -> None:
        """Times or not."""
        self._change(timestamps=not self._current.view.timestamps)

    def _toggle_pause(self) -> None:
        """Show nothing more for a while, or go on; nothing is lost."""
        self._current.paused = not self._current.paused

    def _toggle_follow(self) -> None:
        """Follow the end, or stay."""
        self._pane.follow(not self._pane.following)

    def _next_baud(self) -> None:
        """The next speed."""
        console = self._current
        at = BAUDS.index(console.baud) if console.baud in BAUDS else -1
        console.baud = BAUDS[(at + 1) % len(BAUDS)]
        self._read(console, reset=False)

    def _reset_board(self) -> None:
        """Reset the board."""
        self._try(self._current.input.reset)

    def _enter_bootloader(self) -> None:
        """Into the bootloader of its ROM."""
        self._try(self._current.input.boot)

    def _toggle_dtr(self) -> None:
        """The other state of DTR."""
        console = self._current
        console.dtr = not console.dtr
        self._try(lambda: console.input.set_lines(dtr=console.dtr))

    def _toggle_rts(self) -> None:
        """The other state of RTS."""
        console = self._current
        console.rts = not console.rts
        self._try(lambda: console.input.set_lines(rts=console.rts))

    def _show_findings(self) -> None:
        """Show what was found in its source; asks which, the newest first, if there are several."""
        from tui.screens.confirm import Choose

        found = list(reversed(self._current.findings))
        if len(found) == 1:
            self._look(found[0])
            return

        def chosen(number: str | None) -> None:
            if number is not None:
                self._look(found[int(number)])

        choices = [(str(number), each.title) for number, each in enumerate(found)]
        self.app.push_screen(Choose(f"Findings of {self._current.called}", choices), chosen)

    def _go_to_finding(self) -> None:
        """To the next finding in the log, from the newest up."""
        tail = self._current.tail
        lines = [
            number
            for number in range(tail.first, tail.end)
            if (tail.get(number) or "").startswith(FINDING_PREFIX)
        ]
        if not lines:
            self.notify("no longer in memory: v shows it", markup=False)
            return
        marked = self._pane.marked
        before = [number for number in lines if marked is not None and number < marked]
        number = (before or lines)[-1]
        mark = f"finding {lines.index(number) + 1}/{len(lines)}"
        self._pane.to_line(number, mark=mark)

    def _step_pane(self, by: int) -> None:
        self._go((self._at + by) % len(self._consoles))

    def _enlarge(self) -> None:
        """All the room for one board, and back."""
        self._enlarged = not self._enlarged
        self._arrange()

    @property
    def scroll_target(self) -> LivePane:
        """The console that has the keys."""
        return self._pane

    @property
    def _current(self) -> BoardConsole:
        return self._consoles[self._at]

    @property
    def _pane(self) -> LivePane:
        return self._panes[self._at]

    def _read(self, console: BoardConsole, *, reset: bool) -> None:
        read = console.reader(self.engine, reset=reset, news=self.app.wake_soon)
        self.run_worker(read, thread=True, exit_on_error=False)

    def _look(self, finding: Finding) -> None:
        from tui.screens import open_result

        program = self._current.running.program
        of = f"program of build {program.build}" if program else "program not known"
        text = describe_finding(finding, of)
        number = program.build if program else None
        open_result.open_in_source(self, self.engine.builds, finding, number=number, text=text)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except EspdeckError as error:
            self.show_error(str(error))

    def _change(self, **changes: str | bool) -> None:
        view = replace(self._current.view, **changes)  # type: ignore[arg-type] # texts and flags
        self._current.change(view)
        self._pane.show(self._current.tail)

    def _ask_view(self, name: str, placeholder: str) -> None:
        def change(value: str) -> None:
            self._change(**{name: value})

        self._open_typed(Ask(placeholder, change), getattr(self._current.view, name))

    def _open_typed(self, ask: Ask, value: str = "") -> None:
        self._ask = ask
        self._recalled = 0
        self._typed.placeholder = ask.placeholder
        self._typed.value = value
        self._typed.display = True
        self.set_focus(self._typed)

    def _close_typed(self) -> None:
        self._ask = None
        self._typed.display = False
        self.set_focus(self._pane)

    def _recall(self, steps: int) -> None:
        history = self._current.history
        self._recalled = max(0, min(self._recalled + steps, len(history)))
        self._typed.value = history[-self._recalled] if self._recalled else ""
        self._typed.cursor_position = len(self._typed.value)

    def _go(self, number: int) -> None:
        self._at = number
        self._show_chart()
        self._arrange()
        self._bar.refresh()

    def _show_chart(self) -> None:
        self._chart.show(self._current.plot)
        self._chart.display = self._current.plot is not None
        self._chart.styles.height = min(CHART_ROWS, self.size.height // 3)

    def _arrange(self) -> None:
        if not self.is_mounted or not self._room.size:
            return
        width, height = self._room.size
        names = tuple(map(str, range(len(self._panes))))
        boxes = {} if self._enlarged else tiles(width, height, names)
        boxes = boxes or {str(self._at): Box(0, 0, width, height)}
        self._room.place({self._panes[int(name)]: box for name, box in boxes.items()})
        if not self._typed.has_focus:
            self.set_focus(self._pane)
