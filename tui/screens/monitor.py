"""The console of one board, live: filtered, with times, kept as a session."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Input

from engine.boards.console import LineCutter, PrintFilter
from engine.cancel import CancelToken
from engine.errors import CancelledError, EspdeckError, UsageError
from engine.events import Event
from tui.keymap import Where
from tui.screens.base import MainScreen
from tui.tail import MAX_LINES, LogTail
from tui.widgets.key_bar import KeyBar
from tui.widgets.live_pane import LivePane

BAUDS = (115200, 230400, 460800, 921600, 1500000, 2000000, 74880)
"""Speeds that the baud key goes through: ESP-IDF's console first, then faster ones, and the ROM
of the first ESP32s with a 26 MHz crystal."""

WAITING_LINES = 20_000
"""Lines that may wait for the screen; the session has all."""


class _Line:
    """A line and when it came."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = datetime.now(UTC)


class MonitorScreen(MainScreen):
    """One board."""

    WHERE: ClassVar[Where] = Where.MONITOR

    def __init__(self, board: str) -> None:
        super().__init__()
        self._board = board
        self._baud = 0
        self._filter = PrintFilter("")
        self._timestamps = False
        self._lock = threading.Lock()
        self._waiting: list[_Line] = []
        self._skipped = 0
        self._kept: list[_Line] = []
        self._tail = LogTail()
        self._token = CancelToken()
        self._pane = LivePane(id="console", empty=" nothing yet")
        self._typed = Input(placeholder="print filter, such as wifi:W *:I", id="filter")
        self._note = ""

    def compose(self) -> ComposeResult:
        """The console, the filter, the keys."""
        yield self._pane
        yield self._typed
        self._bar = KeyBar(self.shown_keys, self.why_not)
        yield self._bar

    def on_mount(self) -> None:
        """Read the board from now on."""
        self._typed.display = False
        self._pane.show(self._tail)
        self.set_focus(self._pane)
        self._watch(reset=False)

    def on_unmount(self) -> None:
        """The board is free again."""
        self._token.cancel()

    def why_not(self, name: str) -> str | None:
        """Every action works at any time."""
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Show what came since the last time."""
        with self._lock:
            lines, self._waiting = self._waiting, []
            skipped, self._skipped = self._skipped, 0
        if skipped:
            lines.insert(0, _Line(f"--- {skipped} lines not shown; the session has them"))
        if lines:
            self._kept = (self._kept + lines)[-MAX_LINES:]
            self._tail.extend(self._tail.end, self._shown(lines))
        self._pane.title = f" {self._board} {BAUDS[self._baud]} baud  {self._note}"
        self._pane.sync()

    def leave(self) -> None:
        """Out of the filter, out of the console."""
        if self._typed.display:
            self._close_filter()
        else:
            self.do_back()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Filter what is there, and what comes."""
        try:
            self._filter = PrintFilter(message.value)
        except UsageError as error:
            self.complain(str(error))
            return
        self._close_filter()
        self._show_again()

    def do_back(self) -> None:
        """The boards."""
        self.app.pop_screen()

    def do_filter(self) -> None:
        """Type a filter."""
        self._typed.display = True
        self.set_focus(self._typed)

    def do_follow(self) -> None:
        """Follow the end, or stay."""
        self._pane.follow(not self._pane.following)

    def do_timestamps(self) -> None:
        """Times or not."""
        self._timestamps = not self._timestamps
        self._show_again()

    def do_baud(self) -> None:
        """The next speed."""
        self._baud = (self._baud + 1) % len(BAUDS)
        self._watch(reset=False)

    def do_reset(self) -> None:
        """Reset the board."""
        self._watch(reset=True)

    def do_copy(self) -> None:
        """Copy what is shown."""
        self.app.copy_to_clipboard(self._pane.visible_text())
        self.notify("copied", markup=False, timeout=2)

    def do_left(self) -> None:
        """What is left of long lines."""
        self._pane.scroll_aside(-8)

    def do_right(self) -> None:
        """What is right of long lines."""
        self._pane.scroll_aside(8)

    def do_first(self) -> None:
        """To the beginning of what is in memory."""
        self._pane.to_first(self._tail.first)

    @property
    def moved(self) -> LivePane:
        """The console."""
        return self._pane

    def _watch(self, *, reset: bool) -> None:
        """Read the board anew, in a thread; who read it before ends."""
        self._token.cancel()
        token = self._token = CancelToken()
        cutter = LineCutter()
        baud, board = BAUDS[self._baud], self._board

        def watch() -> None:
            try:
                self.engine.boards.watch(
                    board,
                    baud=baud,
                    reset=reset,
                    on_output=lambda data: self._put(cutter.feed(data)),
                    on_note=self._take_note,
                    cancel=token,
                    holder=getpass.getuser(),
                )
            except CancelledError:
                return
            except EspdeckError as error:
                self._take_note(str(error))

        self.run_worker(watch, thread=True, exit_on_error=False)

    def _take_note(self, note: str) -> None:
        self._note = note
        self._put([f"--- {note}"])

    def _put(self, lines: list[str]) -> None:
        """Take lines from the thread that reads."""
        with self._lock:
            self._waiting += map(_Line, lines)
            over = len(self._waiting) - WAITING_LINES
            if over > 0:
                del self._waiting[:over]
                self._skipped += over

    def _shown(self, lines: Sequence[_Line]) -> list[str]:
        return [
            f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03} {line.text}"
            if self._timestamps
            else line.text
            for line in lines
            if line.text.startswith("--- ") or self._filter.shows(line.text)
        ]

    def _show_again(self) -> None:
        self._tail = LogTail()
        self._tail.extend(0, self._shown(self._kept))
        self._pane.show(self._tail)

    def _close_filter(self) -> None:
        self._typed.display = False
        self.set_focus(self._pane)
