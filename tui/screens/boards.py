"""The boards: state, chip, who has them; from here to a board's console."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from engine.events import Event
from tui.keymap import Where
from tui.screens.base import MainScreen
from tui.widgets.key_bar import KeyBar
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine.boards.service import BoardInfo

LOOK_EVERY = 10
"""Ticks of the app between two looks at what is plugged in."""

HOURS = 8.0
"""How long a reservation from here lasts."""

_COLOURS = {"free": "good", "busy": "busy", "off": "dim"}
_NOTHING = " no boards: plug one in, or name one in the settings (boards = [...])"


class BoardsScreen(MainScreen):
    """Boards of the settings, then USB ports that may have one."""

    WHERE: ClassVar[Where] = Where.BOARDS

    def __init__(self) -> None:
        super().__init__()
        self._boards: RowList[BoardInfo] = RowList(
            draw=self._draw, key=lambda board: board.name, id="boards", empty=" loading"
        )
        self._boards.title = " boards"
        self._ticks = 0

    def compose(self) -> ComposeResult:
        """The list and the keys."""
        yield self._boards
        self._bar = KeyBar(self.shown_keys, self.why_not)
        yield self._bar

    def on_mount(self) -> None:
        """Show what there is."""
        self.set_focus(self._boards)
        self._load()

    def why_not(self, name: str) -> str | None:
        """Why an action does nothing now."""
        board = self._boards.item
        if name in ("watch", "reserve", "release") and board is None:
            return "no board"
        if name == "release" and board is not None and not board.reserved:
            return f"{board.name} is not reserved"
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Boards come and go without a word: look again now and then."""
        self._ticks += 1
        if self._ticks % LOOK_EVERY == 0 and self.is_current:
            self._load()

    def leave(self) -> None:
        """Back to the projects."""
        self.do_back()

    def on_row_list_moved(self, _message: RowList.Moved) -> None:
        """Other keys work on another board."""
        self._bar.refresh()

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """A double click opens the console."""
        self.action_do("watch")

    def do_back(self) -> None:
        """Home."""
        self.app.pop_screen()

    def do_watch(self) -> None:
        """The board's console."""
        from tui.screens.monitor import MonitorScreen

        board = self._boards.item
        assert board is not None
        self.app.push_screen(MonitorScreen(board.name))

    def do_reserve(self) -> None:
        """Take the board."""
        board = self._boards.item
        assert board is not None
        self.in_thread(
            lambda: self.engine.boards.reserve(
                board.name, holder=getpass.getuser(), note="", hours=HOURS
            ),
            lambda _row: self._load(),
        )

    def do_release(self) -> None:
        """Give the board back."""
        board = self._boards.item
        assert board is not None
        self.in_thread(
            lambda: self.engine.boards.release(board.name, holder=getpass.getuser()),
            lambda _none: self._load(),
        )

    @property
    def moved(self) -> RowList[BoardInfo]:
        """The boards."""
        return self._boards

    def _load(self) -> None:
        def show(boards: Sequence[BoardInfo]) -> None:
            self._boards.title = f" boards {len(boards)}"
            self._boards.fill(boards, empty=_NOTHING)
            self._bar.refresh()

        self.in_thread(self.engine.boards.list_all, show)

    def _draw(self, board: BoardInfo, width: int) -> Parts:
        state = {"free": "idle", "busy": "running"}.get(board.state, "skipped")
        return [
            (f" {self.deck.glyphs.state(state)} {board.state:<6}", _COLOURS[board.state]),
            (f"{board.name:<28} ", ""),
            (f"{board.chip or '?':<9}", "dim"),
            (f" {board.reserved}" if board.reserved else "", "busy"),
        ]
