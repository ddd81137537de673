"""The boards: state, chip, who has them, and everything that is done with them by hand."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from engine import CancelToken
from engine.errors import CancelledError, UsageError
from engine.events import BoardTaken, Event, RunCompleted, StageChanged
from tui.actions import Action
from tui.app_base import BoardOperation
from tui.keymap import Where
from tui.presentation.board_rows import board_details, board_head, board_parts, name_cells
from tui.presentation.tables import columns, efuse_rows, partition_rows
from tui.screens.ask import Ask, Field
from tui.screens.base import MainScreen
from tui.screens.confirm import Choose
from tui.screens.reader import LineReader
from tui.widgets.details import Details
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import BoardInfo, BoardOverview, BoardSession

_LOOK_SECONDS = 5.0
"""Seconds between two looks at what is plugged in and who has it: boards come without an event."""

_BUSY_LOOK_SECONDS = 0.2
"""The same while a person has something running on a board."""

_RESERVATION_HOURS = 8.0
"""How long a reservation from here lasts, unless said otherwise."""

_LISTED_BUILDS = 30
"""How many of the newest that kept an image can be chosen to flash one."""

_NO_BOARDS = " no boards: plug one in, or run:  espdeck lab"
_HOW_TO_GET_BOARDS = [
    ("USB", "plug a board in: it is listed here within seconds"),
    ("virtual", "run  espdeck lab  in another terminal: boards without hardware"),
    ("other", 'espdeck config set boards \'["/dev/ttyUSB0", "socket://host:4000"]\''),
]
"""What an empty list says below it; short enough for 80 cells."""


class BoardsScreen(MainScreen):
    """Boards of the settings, then USB ports that may have one."""

    WHERE: ClassVar[Where] = Where.BOARDS
    RESTS: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._boards: RowList[BoardOverview] = RowList(
            draw=self._draw,
            key=lambda board: board.info.name,
            empty=" loading",
            head=lambda width: board_head(width, name_width=name_cells(self._boards.items, width)),
            id="boards",
        )
        self._boards.title = " boards"
        self._details = Details()
        self._is_looking = False
        self._shown: tuple[object, ...] = ()
        self._marked: set[str] = set()

    def compose_body(self) -> ComposeResult:
        """The list, and what is known of a board."""
        yield self._boards
        yield self._details

    def on_mount(self) -> None:
        """Show what there is."""
        self.set_focus(self._boards)
        self._load()
        self.set_interval(_LOOK_SECONDS, self._look)

    def list_actions(self) -> Sequence[Action]:
        """Actions on the chosen board, or on the marked ones."""
        board, idle = self._no_board, self._is_in_use
        return [
            *super().list_actions(),
            self.action("watch", self._watch, board),
            self.action("mark", self._mark, board),
            self.action("flash", lambda: self._flash(app_only=False), board, self._one_in_use),
            self.action("flash_app", lambda: self._flash(app_only=True), board, self._one_in_use),
            self.action("cancel", self._cancel, board, self._not_in_use),
            self.action("reset", self._reset_board, board, idle),
            self.action("power", self._power_cycle, board, idle),
            self.action("identify", self._identify, board, idle),
            self.action("partitions", self._show_partitions, board),
            self.action("efuses", self._show_efuses, board),
            self.action("erase", self._erase, board, idle),
            self.action("name", self._name_board, board),
            self.action("reserve", self._reserve, board),
            self.action("release", self._release, board, self._not_reserved),
            self.action("back", self.app.pop_screen),
        ]

    def _no_board(self) -> str | None:
        return "no board is listed here" if self._boards.item is None else None

    def _not_reserved(self) -> str | None:
        board = self._board
        return None if board.reserved else f"{_called(board)} is not reserved"

    def _not_in_use(self) -> str | None:
        is_used = self._board.name in self.app.board_operations
        return None if is_used else f"nothing is done with {_called(self._board)} from here"

    def _is_in_use(self) -> str | None:
        return self._wait_for([self._board])

    def _one_in_use(self) -> str | None:
        return self._wait_for(self._chosen_boards)

    def _wait_for(self, boards: Sequence[BoardInfo]) -> str | None:
        used = [_called(each) for each in boards if each.name in self.app.board_operations]
        return f"{used[0]}: wait for what you do with it, or cancel that" if used else None

    def handle_events(self, events: Sequence[Event]) -> None:
        """Look at once when a run got or let go a board."""
        if any(isinstance(event, (BoardTaken, StageChanged, RunCompleted)) for event in events):
            self._load()

    def on_screen_resume(self) -> None:
        """Look at once: things may have changed meanwhile."""
        self._load()

    def _look(self) -> None:
        if self.is_current:
            self._load()

    def _look_while_busy(self) -> None:
        """Look more often until nothing is done with a board."""
        if self.app.board_operations:
            self.set_timer(_BUSY_LOOK_SECONDS, self._look_while_busy)
        self._look()

    def escape(self) -> None:
        """Go back to the projects."""
        self.app.pop_screen()

    def on_row_list_moved(self, _message: RowList.Moved) -> None:
        """Other keys work on another board."""
        self._show_details()
        self._bar.refresh()

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """A double click opens the console."""
        self.action_do("watch")

    def _watch(self) -> None:
        """The board's console."""
        from tui.screens.monitor import MonitorScreen

        names = [each.name for each in self._chosen_boards]
        self._marked.clear()
        self._boards.refresh()
        self.app.push_screen(MonitorScreen(*names))

    def _mark(self) -> None:
        """Mark the board, or not; on to the next."""
        self._marked ^= {self._board.name}
        self._boards.refresh()
        self._boards.move(1)

    def _cancel(self) -> None:
        """Stop what is done with it."""
        self.app.board_operations[self._board.name].cancel.cancel()

    def _reset_board(self) -> None:
        """Start its program anew."""
        self._operate("reset", lambda board: board.reset.into_program())

    def _power_cycle(self) -> None:
        """Switch the board off and on."""
        self._operate("off and on", lambda board: board.power.cycle())

    def _identify(self) -> None:
        """Ask it what it is."""

        def ask(board: BoardSession) -> str:
            found = board.chip.identify()
            return f"is an {found}"

        self._operate("identified", ask)

    def _show_partitions(self) -> None:
        """Its partition table."""

        def read(board: BoardSession) -> None:
            found = board.flash.partition_table(
                expected=self.engine.programs.table_offset(board.name)
            )
            if found is None:
                raise UsageError(f"{board.called}: no partition table at 0x8000, nor up to 0x20000")
            title = f"partitions of {board.called}, table at {found.offset:#x}"
            self._read(title, *partition_rows(found.partitions))

        self._operate("", read)

    def _show_efuses(self) -> None:
        """Its eFuses."""
        self._operate(
            "",
            lambda board: self._read(f"eFuses of {board.called}", *efuse_rows(board.chip.efuses())),
        )

    def _erase(self) -> None:
        """Erase all of its flash."""
        board, name = self._board, _called(self._board)

        def answered(typed: tuple[str, ...] | None) -> None:
            if typed is None:
                return
            if typed != (name,):
                self.show_error(f"nothing was erased: the name is {name}")
                return
            self._operate("erased", lambda held: held.flash.erase(None), board)

        self.app.push_screen(
            Ask(f"Erase all flash of {name}?", "Type its name.", [Field(name)], "erase"), answered
        )

    def _name_board(self) -> None:
        """Give it a name."""
        board = self._board

        def answered(typed: tuple[str, ...] | None) -> None:
            if typed is not None:
                label, remark = typed
                self.in_thread(
                    lambda: self.engine.boards.call(board.name, label=label, remark=remark),
                    lambda _none: self._load(),
                )

        fields = [
            Field("name, such as desk-2", board.label),
            Field("anything worth knowing about it", board.remark),
        ]
        self.app.push_screen(
            Ask(
                f"Name {_called(board)}",
                "Screens and commands call the board by this name.",
                fields,
                "keep",
            ),
            answered,
        )

    def _reserve(self) -> None:
        """Take the board."""
        board = self._board

        def answered(typed: tuple[str, ...] | None) -> None:
            if typed is None:
                return
            note, hours = typed

            def reserve() -> None:
                try:
                    number = float(hours)
                except ValueError as error:
                    raise UsageError(f"{hours!r} is not a number of hours") from error
                self.engine.boards.reserve(
                    board.name, holder=getpass.getuser(), note=note, hours=number
                )

            self.in_thread(reserve, lambda _none: self._load())

        fields = [Field("why, for the others to read"), Field("hours", f"{_RESERVATION_HOURS:g}")]
        self.app.push_screen(
            Ask(
                f"Reserve {_called(board)}",
                "Builds wait until you give it back.",
                fields,
                "reserve",
            ),
            answered,
        )

    def _release(self) -> None:
        """Give the board back."""
        name = self._board.name
        self.in_thread(
            lambda: self.engine.boards.release(name, holder=getpass.getuser()),
            lambda _none: self._load(),
        )

    @property
    def scroll_target(self) -> RowList[BoardOverview]:
        """The boards."""
        return self._boards

    @property
    def _board(self) -> BoardInfo:
        board = self._boards.item
        assert board is not None
        return board.info

    @property
    def _chosen_boards(self) -> Sequence[BoardInfo]:
        """The marked boards, else the one that is chosen."""
        infos = [each.info for each in self._boards.items]
        marked = [each for each in infos if each.name in self._marked]
        return marked or [self._board]

    def _load(self) -> None:
        """Look at the boards, once at a time: a look may take longer than the time to the next."""
        if self._is_looking:
            return
        self._is_looking = True

        def look() -> Sequence[BoardOverview]:
            try:
                return self.engine.overview.boards(every_port=True)
            finally:
                self._is_looking = False

        def show(boards: Sequence[BoardOverview]) -> None:
            minute = datetime.now(UTC).replace(second=0, microsecond=0)
            shown = (boards, minute, tuple(self.app.board_operations))
            if shown == self._shown:
                return  # nothing is drawn that would look the same
            self._shown = shown
            self._boards.title = f" boards {len(boards)}"
            self._boards.fill(boards, empty=_NO_BOARDS)
            self._show_details()
            self._bar.refresh()

        self.in_thread(look, show)

    def _flash(self, *, app_only: bool) -> None:
        boards = self._chosen_boards
        chips = {board.chip for board in boards} - {""}
        if len(chips) > 1:
            self.show_error(f"no build is for {' and '.join(sorted(chips))}: mark boards of a chip")
            return
        chip = next(iter(chips), None)

        def find() -> list[tuple[str, str]]:
            projects = {project.id: project for project in self.engine.projects.list()}
            found: list[tuple[str, str]] = []
            for build in self.engine.builds.flashable(target=chip, limit=_LISTED_BUILDS):
                if build.project_id in projects:
                    name = projects[build.project_id].name
                    what = f"{name} {build.commit_sha[:7]} {build.status}"
                    found.append((str(build.number), f"build {build.number}  {what}"))
            return found

        def ask(builds: list[tuple[str, str]]) -> None:
            if not builds:
                what = f"no build for {chip}" if chip else "no build"
                self.show_error(f"{what} has kept an image: build one first")
                return
            what = "the program of which build" if app_only else "which build"
            on = _called(boards[0]) if len(boards) == 1 else f"{len(boards)} boards"
            self.app.push_screen(Choose(f"Flash {what} on {on}?", builds), chosen)

        def chosen(number: str | None) -> None:
            if number is None:
                return
            for board in boards:
                self._operate(
                    f"build {number} flashed",
                    lambda held: self._write(held, int(number), app_only=app_only),
                    board,
                )

        self.in_thread(find, ask, opens=True)

    def _write(self, board: BoardSession, number: int, *, app_only: bool) -> str | None:
        from engine import FlashOptions

        settings = self.engine.settings
        image = self.engine.builds.image(number)
        written = board.flash.write(
            image,
            FlashOptions(baud=settings.flash_baud, app_only=app_only, secure=settings.flash_secure),
            on_output=lambda _line: None,
            on_progress=lambda _percent, _what: None,
            timeout=settings.flash_timeout,
            flashed=self.engine.builds.flashed(number, image, app_only=app_only),
        )
        if written.verified:
            return None
        return f"build {number} flashed, not compared: the chip has {written.identity.protection}"

    def _operate(
        self,
        done: str,
        work: Callable[[BoardSession], str | None],
        board: BoardInfo | None = None,
    ) -> None:
        """Do something with a board in a thread; ``done`` says so when it is done."""
        board, user = board or self._board, getpass.getuser()
        name, called = board.name, _called(board)
        cancel = CancelToken()
        self.app.board_operations[name] = BoardOperation(called, cancel)

        def run() -> str:
            try:
                with self.engine.boards.use(
                    name, cancel=cancel, on_wait=self._note, purpose=user, holder=user
                ) as held:
                    return work(held) or done
            except CancelledError:
                return "cancelled"
            finally:
                self.app.board_operations.pop(name, None)

        def end(said: str) -> None:
            self._load()
            if said:
                self.notify(f"{called}: {said}", markup=False)

        self._look_while_busy()
        self.in_thread(run, end)

    def _note(self, line: str) -> None:
        self.app.call_from_thread(self.notify, line, markup=False)

    def _read(self, title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        text = "\n".join(columns(head, rows))
        self.app.call_from_thread(
            self.app.push_screen, LineReader(title, text, classify=lambda _line: "text")
        )

    def _draw(self, board: BoardOverview, width: int) -> Parts:
        return board_parts(
            board,
            self.app.glyphs,
            width,
            name_width=name_cells(self._boards.items, width),
            is_marked=board.info.name in self._marked,
            now=datetime.now(UTC),
        )

    def _show_details(self) -> None:
        board = self._boards.item
        now = datetime.now(UTC)
        self._details.show(_HOW_TO_GET_BOARDS if board is None else board_details(board, now))


def _called(board: BoardInfo) -> str:
    """What people call a board."""
    return board.label or board.name
