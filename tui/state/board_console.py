"""One board's console as a screen shows it: a thread that reads, lines for a pane, a keyboard.

The thread only puts bytes into a bounded backlog; :meth:`BoardConsole.take`, called by the screen's
timer, makes lines of them. While it is paused they wait there, and the session on disk grows on.
"""

from __future__ import annotations

import getpass
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine import (
    DEFAULT_BAUD,
    EOLS,
    BoardProgram,
    CancelToken,
    ConsoleInput,
    CrashCounts,
    CrashWatcher,
    Finding,
    Plot,
    has_address,
    send_file_with_notes,
)
from engine.errors import CancelledError, EspdeckError
from engine.text import clean, count
from tui.presentation.console_formatter import (
    ConsoleFormatter,
    ConsoleLine,
    ConsoleView,
    Formatted,
    LineKind,
    with_skipped,
)
from tui.presentation.line_class import NOTE_PREFIX
from tui.presentation.units import clock
from tui.state.byte_queue import Backlog, Piece
from tui.state.console_tail import Anchor, ConsoleTail
from tui.state.log_tail import MAX_LINES

if TYPE_CHECKING:
    from engine import BoardFiles, Engine

BAUDS = (115200, 230400, 460800, 921600, 1500000, 2000000, 3000000, 74880)
"""Speeds that the baud key goes through: ESP-IDF's console first, then faster ones, and the ROM
of the first ESP32s with a 26 MHz crystal."""

WAITING_BYTES = 2 << 20
"""What may wait for the screen; the session has all."""

KEPT_BYTES = WAITING_BYTES // 2
"""What is kept of a console, to be shown in another way."""

MAX_FINDINGS = 200
"""Findings of a console that are kept, the newest."""

MAX_MARKS = 64
"""Matches of a search that are marked in one line."""

FINDING_PREFIX = f"{NOTE_PREFIX}error: "
"""How the line of a finding begins."""


class BoardConsole:
    """One board. Made and used by the screen's thread, but for :meth:`read`."""

    def __init__(self, board: str) -> None:
        """Know the board; nothing is read yet.

        Args:
            board: its name.
        """
        self.board = board
        self.called = board
        """What people call it."""

        self.plot: Plot | None = None
        self.tail = ConsoleTail()
        self.search = ""
        """What is looked for in its lines, in lower case; empty for nothing."""

        self.findings: deque[Finding] = deque(maxlen=MAX_FINDINGS)
        self.paused = False
        self.baud = 0
        """Speed in bits a second, 0 until it is known."""

        self.eol = "cr"
        self.dtr = False
        self.rts = False
        self.running = BoardProgram(None, DEFAULT_BAUD)
        self.lack = ""
        """Why it is not read now, empty while it is."""

        self._gone_at: datetime | None = None
        self._places: deque[tuple[ConsoleTail, Sequence[Anchor], Sequence[Sequence[str]]]] = deque()
        self._files: BoardFiles | None = None
        self._backlog = Backlog(WAITING_BYTES)
        self._kept: deque[Piece] = deque()
        self._kept_size = 0
        self._formatter = ConsoleFormatter(ConsoleView())
        self._crashes: CrashWatcher | None = None
        self._token = CancelToken()
        self._news: Callable[[], None] = lambda: None
        self.input = ConsoleInput(self.say)

    @property
    def view(self) -> ConsoleView:
        """How it is shown."""
        return self._formatter.view

    @property
    def title(self) -> str:
        """The board and how it is, then what runs on it and how it is shown."""
        parts = [self.called]
        if self._gone_at is not None:
            parts.append(f"VANISHED at {clock(self._gone_at, seconds=True)}, waiting for it")
        elif self.lack:
            parts.append(self.lack)
        if self.paused:
            parts.append(f"PAUSED, {count(self._backlog.waiting, 'line')} waiting")
        parts.append(str(self.counts))
        if (program := self.running.program) is not None:
            parts.append(f"build {program.build}")
        parts += [f"{name.upper()} on" for name in ("dtr", "rts") if getattr(self, name)]
        words = {"filter": "print_filter", "mark": "highlight", "mute": "mute"}
        chosen = {word: getattr(self.view, name) for word, name in words.items()}
        parts += [f"{word} {text}" for word, text in chosen.items() if text]
        parts.append(f"{self.baud} baud" if self.baud else "")
        return "  ".join(part for part in parts if part)

    @property
    def counts(self) -> CrashCounts:
        """What went wrong so far."""
        return self._crashes.counts if self._crashes is not None else CrashCounts()

    @property
    def _elf(self) -> Path | None:
        """Of the program that runs."""
        return self.running.program.elf if self.running.program else None

    def reader(
        self, engine: Engine, *, reset: bool, news: Callable[[], None]
    ) -> Callable[[], None]:
        """What reads the board until :meth:`stop`, to be called in a thread of its own.

        Who read it before is stopped.

        Args:
            reset: reset the board first.
            news: called when there is something to :meth:`take`, from any thread.
        """
        self.stop()
        self._news = news
        token = self._token = CancelToken()
        return lambda: self._read(engine, token, reset=reset)

    def stop(self) -> None:
        """Let the board go."""
        self._token.cancel()

    def say(self, note: str) -> None:
        """Show a note between what the board says. From any thread."""
        self._backlog.note(note)
        self._news()

    def tell_presence(self, is_there: bool) -> None:
        """Take that the board vanished, or is back or had for the first time. From any thread."""
        self._gone_at = None if is_there else datetime.now(UTC)
        self.lack = ""
        self._news()

    def feed(self, data: bytes) -> None:
        """Take what the board says next; never waits. From any thread."""
        self._backlog.put(data)
        self._news()

    def take(self) -> Sequence[tuple[int, int]]:
        """Make lines of what came since the last time, and put addresses' places beside them.

        Returns:
            Where lines were put before others: the number of the first, and how many.
        """
        if self.paused:
            return ()
        pieces, skipped = self._backlog.take()
        pieces = with_skipped(pieces, skipped)
        self._keep(pieces)
        self._plot_lines(self._show(self._formatter.format(pieces)))
        rest = self._formatter.rest(datetime.now(UTC), is_quiet=not pieces)
        self._plot_lines(self._show(rest))
        return self._show_places()

    def marks(self, text: str) -> Sequence[tuple[int, int]]:
        """What to mark in a line: where each match of the search, or else a mark, is."""
        if not self.search:
            return self.view.selection.marks(text)
        found, size, lower = list[tuple[int, int]](), len(self.search), text.lower()
        at = lower.find(self.search)
        while at >= 0 and len(found) < MAX_MARKS:
            found.append((at, at + size))
            at = lower.find(self.search, at + size)
        return found

    def matches(self) -> Sequence[int]:
        """Numbers of the lines in memory in which the search finds something."""
        if not self.search:
            return ()
        lines = (
            (number, self.tail.get(number)) for number in range(self.tail.first, self.tail.end)
        )
        return [number for number, line in lines if line and self.search in clean(line).lower()]

    def send_line(self, line: str) -> None:
        """Send a line with the end that was chosen, and keep it in the history.

        Raises:
            BoardError: the board does not take what was typed before.
        """
        self.input.send(line.encode("utf-8", "surrogateescape") + EOLS[self.eol])
        if self._files is not None:
            self._files.remember_line(line)

    def send_file(self, path: Path) -> None:
        """Send a file, waiting for the board; in a thread of its own."""
        send_file_with_notes(self.input, path, self._token, self.say)

    @property
    def history(self) -> Sequence[str]:
        """Lines that were typed to this board, oldest first."""
        return self._files.history if self._files is not None else ()

    def change(self, view: ConsoleView) -> None:
        """Show it in another way, also what came before."""
        offset = max(0, self._formatter.offset - self._kept_size)
        self._formatter = ConsoleFormatter(view, self._elf, offset=offset)
        self.tail = ConsoleTail()
        self._show(self._formatter.format(self._kept))

    def _read(self, engine: Engine, token: CancelToken, *, reset: bool) -> None:
        self._gone_at, self.lack = None, "waiting for the board"
        try:
            self.called = engine.boards.called(self.board)
            self._files = engine.boards.board_files(self.board)
            if not self.baud:
                self.running = engine.programs.running_on(self.board)
                self.baud = self.running.baud
            program = self.running.program
            self._formatter.use_program(self._elf)
            crashes = self._crashes = CrashWatcher(
                program=self._elf,
                root=program.root if program else Path.cwd(),
                on_finding=self._found,
                on_note=self.say,
                find=engine.programs.with_hash,
            )
            self._news()
            with crashes:
                engine.boards.watch(
                    self.board,
                    baud=self.baud,
                    reset=reset,
                    on_output=self.feed,
                    on_note=self.say,
                    cancel=token,
                    holder=getpass.getuser(),
                    console_input=self.input,
                    crashes=crashes,
                    on_presence=self.tell_presence,
                )
        except CancelledError:
            return
        except EspdeckError as error:
            self._gone_at, self.lack = None, f"NOT READ: {error}"
            self.say(f"error: {error}")

    def _found(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.say(f"error: {finding.title}")

    def _keep(self, pieces: Sequence[Piece]) -> None:
        """What is in memory, to be shown in another way; as much as a tail holds."""
        self._kept.extend(pieces)
        self._kept_size += sum(len(piece.data) for piece in pieces)
        while self._kept and self._kept_size > KEPT_BYTES:
            self._kept_size -= len(self._kept.popleft().data)

    def _plot_lines(self, whole: Sequence[str]) -> None:
        if self.plot is not None:
            for line in whole:
                self.plot.feed(line)

    def _show(self, formatted: Formatted) -> Sequence[str]:
        """Put lines at the end, the first where it stands and has grown; the whole ones of it."""
        shown = formatted.shown[-MAX_LINES:]
        first = self.tail.end
        if shown and shown[0].amends:
            self.tail.amend(str(shown[0]))
            first -= 1
            self.tail.extend(self.tail.end, [str(line) for line in shown[1:]])
        elif shown:
            self.tail.extend(first, [str(line) for line in shown])
        self._look_up(first, shown)
        return formatted.whole

    def _look_up(self, first: int, shown: Sequence[ConsoleLine]) -> None:
        """Look for addresses in lines that are shown, the first of which has that number.

        Reading debug information takes too long for the screen's thread.
        """
        found = {
            first + place: line.text
            for place, line in enumerate(shown)
            if line.kind is LineKind.OUTPUT and has_address(line.text)
        }
        if not found or self._crashes is None:
            return
        tail = self.tail
        anchors = [tail.anchor(number) for number in found]

        def tell(places: Sequence[Sequence[str]]) -> None:
            self._places.append((tail, anchors, places))
            self._news()

        if not self._crashes.resolve([*found.values()], tell):
            for anchor in anchors:
                tail.insert_after(anchor, ())

    def _show_places(self) -> Sequence[tuple[int, int]]:
        """Put what is known of addresses by now below their lines."""
        put = []
        while self._places:
            tail, anchors, places = self._places.popleft()
            for anchor, lines in zip(anchors, places, strict=True):
                number = tail.insert_after(anchor, [f"{NOTE_PREFIX}{line}" for line in lines])
                if tail is self.tail and number is not None:
                    put.append((number, len(lines)))
        return put
