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
from engine.text import count
from tui.presentation.console_formatter import (
    NOTE_PREFIX,
    ConsoleFormatter,
    ConsoleView,
    Formatted,
    with_skipped,
)
from tui.state.byte_queue import Backlog, Piece
from tui.state.log_tail import MAX_LINES, LogTail

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
        self.plot: Plot | None = None
        self.tail = LogTail()
        self.findings: deque[Finding] = deque(maxlen=MAX_FINDINGS)
        self.paused = False
        self.baud = 0
        """Speed in bits a second, 0 until it is known."""

        self.eol = "cr"
        self.dtr = False
        self.rts = False
        self.running = BoardProgram(None, DEFAULT_BAUD)
        self.note = ""
        self._files: BoardFiles | None = None
        self._backlog = Backlog(WAITING_BYTES)
        self._kept: deque[Piece] = deque()
        self._kept_size = 0
        self._formatter = ConsoleFormatter(ConsoleView())
        self._crashes: CrashWatcher | None = None
        self._token = CancelToken()
        self.input = ConsoleInput(self.say)

    @property
    def view(self) -> ConsoleView:
        """How it is shown."""
        return self._formatter.view

    @property
    def title(self) -> str:
        """The board, and what is worth knowing of it now."""
        parts = [self.board, f"{self.baud} baud" if self.baud else ""]
        if self.paused:
            parts.append(f"PAUSED, {count(self._backlog.waiting, 'line')} waiting")
        parts += [f"{name} on" for name in ("dtr", "rts") if getattr(self, name)]
        parts.append(str(self.counts))
        words = {"filter": "print_filter", "mark": "highlight", "mute": "mute"}
        chosen = {word: getattr(self.view, name) for word, name in words.items()}
        parts += [f"{word} {text}" for word, text in chosen.items() if text]
        return "  ".join(part for part in (*parts, self.note) if part)

    @property
    def counts(self) -> CrashCounts:
        """What went wrong so far."""
        return self._crashes.counts if self._crashes is not None else CrashCounts()

    @property
    def _elf(self) -> Path | None:
        """Of the program that runs."""
        return self.running.program.elf if self.running.program else None

    def reader(self, engine: Engine, *, reset: bool) -> Callable[[], None]:
        """What reads the board until :meth:`stop`, to be called in a thread of its own.

        Who read it before is stopped.

        Args:
            reset: reset the board first.
        """
        self.stop()
        token = self._token = CancelToken()
        return lambda: self._read(engine, token, reset=reset)

    def stop(self) -> None:
        """Let the board go."""
        self._token.cancel()

    def say(self, note: str) -> None:
        """Show a note between what the board says. From any thread."""
        self.note = note
        self._backlog.note(note)

    def feed(self, data: bytes) -> None:
        """Take what the board says next; never waits. From any thread."""
        self._backlog.put(data)

    def take(self) -> bool:
        """Make lines of what came since the last time; whether anything changed."""
        if self.paused:
            return False
        pieces, skipped = self._backlog.take()
        pieces = with_skipped(pieces, skipped)
        self._keep(pieces)
        self._look_at(self._show(self._formatter.format(pieces)))
        rest = self._formatter.rest(datetime.now(UTC), is_quiet=not pieces)
        self._look_at(self._show(rest))
        return bool(pieces)

    def marks(self, text: str) -> Sequence[tuple[int, int]]:
        """What to mark in a line: where each match begins and ends."""
        return self.view.selection.marks(text)

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
        self.tail = LogTail()
        self._show(self._formatter.format(self._kept))

    def _read(self, engine: Engine, token: CancelToken, *, reset: bool) -> None:
        try:
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
                )
        except CancelledError:
            return
        except EspdeckError as error:
            self.say(str(error))

    def _found(self, finding: Finding) -> None:
        self.findings.append(finding)
        self._backlog.note(f"error: {finding.title}")

    def _keep(self, pieces: Sequence[Piece]) -> None:
        """What is in memory, to be shown in another way; as much as a tail holds."""
        self._kept.extend(pieces)
        self._kept_size += sum(len(piece.data) for piece in pieces)
        while self._kept and self._kept_size > KEPT_BYTES:
            self._kept_size -= len(self._kept.popleft().data)

    def _look_at(self, whole: Sequence[str]) -> None:
        """Plot new lines, and look for addresses in them."""
        if self.plot is not None:
            for line in whole:
                self.plot.feed(line)
        if self._crashes is not None:
            # Reading debug information takes too long for the screen's thread.
            self._crashes.resolve([line for line in whole if has_address(line)])

    def _show(self, formatted: Formatted) -> Sequence[str]:
        """Put lines at the end, the first where it stands and has grown; the whole ones of it."""
        shown = formatted.shown
        if shown and shown[0].amends:
            self.tail.amend(str(shown[0]))
            shown = shown[1:]
        if shown:
            self.tail.extend(self.tail.end, [str(line) for line in shown[-MAX_LINES:]])
        return formatted.whole
