"""One board's console as a screen shows it: a thread that reads, lines for a pane, a keyboard.

The thread only puts bytes into a bounded backlog; :meth:`BoardConsole.take`, called by the screen's
timer, makes lines of them. While it is paused they wait there, and the session on disk grows on.
"""

from __future__ import annotations

import getpass
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.boards.board_files import BAUD
from engine.builds.board_program import Running
from engine.cancel import CancelToken
from engine.console_input import EOLS, ConsoleInput
from engine.errors import CancelledError, EspdeckError
from engine.findings import Finding
from engine.monitor import log_lines
from engine.monitor.binary_log import BinaryLog
from engine.monitor.crash_watcher import CrashCounts, CrashWatcher
from engine.monitor.line_splitter import LineCutter
from engine.monitor.log_lines import Selection
from engine.monitor.plot import Plot
from engine.text import count
from tui.state.byte_queue import Backlog, Piece
from tui.state.log_tail import MAX_LINES, LogTail

if TYPE_CHECKING:
    from engine.boards.board_files import BoardFiles
    from engine.engine import Engine

BAUDS = (115200, 230400, 460800, 921600, 1500000, 2000000, 3000000, 74880)
"""Speeds that the baud key goes through: ESP-IDF's console first, then faster ones, and the ROM
of the first ESP32s with a 26 MHz crystal."""

WAITING = 2 << 20
"""Bytes that may wait for the screen; the session has all."""

MAX_FINDINGS = 200
"""Findings of a console that are kept, the newest."""

OURS = "--- "
"""How a line of our own begins."""

FOUND = f"{OURS}error: "
"""How the line of a finding begins."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a console is shown.

    Args:
        print_filter, highlight, mute: as :class:`~engine.boards.console.Selection` takes them.
        timestamps: whether each line says when it came (UTC).
        hex: bytes instead of lines.
    """

    print_filter: str = ""
    highlight: str = ""
    mute: str = ""
    timestamps: bool = False
    hex: bool = False


class BoardConsole:
    """One board. Made and used by the screen's thread, but for :meth:`read`."""

    def __init__(self, board: str) -> None:
        """Know the board; nothing is read yet.

        Args:
            board: its name.
        """
        self.board = board
        self.look = Look()
        self._selection = Selection()
        self.plot: Plot | None = None
        self.tail = LogTail()
        self.findings: deque[Finding] = deque(maxlen=MAX_FINDINGS)
        self.paused = False
        self.baud = 0
        """Speed in bits a second, 0 until it is known."""

        self.eol = "cr"
        self.dtr = False
        self.rts = False
        self.running = Running(None, BAUD)
        self.note = ""
        self._desk: BoardFiles | None = None
        self._backlog = Backlog(WAITING)
        self._kept: deque[Piece] = deque()
        self._kept_size = 0
        self._binary = BinaryLog()
        self._cutter = LineCutter()
        self._offset = 0
        self._begun = False
        self._crashes: CrashWatcher | None = None
        self._token = CancelToken()
        self.input = ConsoleInput(self.say)

    @property
    def title(self) -> str:
        """The board, and what is worth knowing of it now."""
        parts = [self.board, f"{self.baud} baud" if self.baud else ""]
        if self.paused:
            parts.append(f"PAUSED, {count(self._backlog.waiting, 'line')} waiting")
        parts += [f"{name} on" for name in ("dtr", "rts") if getattr(self, name)]
        parts.append(str(self.tally))
        words = {"filter": "print_filter", "mark": "highlight", "mute": "mute"}
        chosen = {word: getattr(self.look, name) for word, name in words.items()}
        parts += [f"{word} {text}" for word, text in chosen.items() if text]
        return "  ".join(part for part in (*parts, self.note) if part)

    @property
    def tally(self) -> CrashCounts:
        """What went wrong so far."""
        return self._crashes.tally if self._crashes is not None else CrashCounts()

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
        """Show a line of our own. From any thread."""
        self.note = note
        self._backlog.note(note)

    def take(self) -> bool:
        """Make lines of what came since the last time; whether anything changed."""
        if self.paused:
            return False
        pieces, skipped = self._backlog.take()
        if skipped:
            note = f"{count(skipped, 'line')} not shown; the session has them"
            pieces.insert(0, Piece(datetime.now(UTC), b"", note))
        self._keep(pieces)
        self._extend(pieces)
        if not pieces:
            self._settle()
        if not pieces or self._cutter.is_redrawn:
            self._show_begun()
        return bool(pieces)

    def marks(self, text: str) -> Sequence[tuple[int, int]]:
        """What to mark in a line: where each match begins and ends."""
        return self._selection.marks(text)

    def send_line(self, line: str) -> None:
        """Send a line with the end that was chosen, and keep it in the history.

        Raises:
            BoardError: the board does not take what was typed before.
        """
        self.input.send(line.encode("utf-8", "surrogateescape") + EOLS[self.eol])
        if self._desk is not None:
            self._desk.remember_line(line)

    def send_file(self, path: Path) -> None:
        """Send a file, waiting for the board; in a thread of its own."""
        try:
            self.say(f"{path}: {count(self.input.send_file(path, self._token), 'byte')} sent")
        except CancelledError:
            return
        except EspdeckError as error:
            self.say(str(error))

    @property
    def history(self) -> Sequence[str]:
        """Lines that were typed to this board, oldest first."""
        return self._desk.history if self._desk is not None else ()

    def change(self, **look: str | bool) -> None:
        """Show it in another way, also what came before.

        Raises:
            UsageError: a filter or pattern makes no sense; nothing changes.
        """
        changed = replace(self.look, **look)  # type: ignore[arg-type] # fields of Look
        self._selection = Selection(changed.print_filter, changed.highlight, changed.mute)
        self.look = changed
        kept = list(self._kept)
        self.tail, self._begun = LogTail(), False
        self._binary = BinaryLog(self._elf)
        self._cutter = LineCutter()
        self._offset = max(0, self._offset - self._kept_size)
        self._extend(kept, again=True)

    def _read(self, engine: Engine, token: CancelToken, *, reset: bool) -> None:
        try:
            self._desk = engine.boards.board_files(self.board)
            if not self.baud:
                self.running = engine.programs.running_on(self.board)
                self.baud = self.running.baud
            program = self.running.program
            self._binary = BinaryLog(self._elf)
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
                    on_output=self._backlog.put,
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
        while self._kept and self._kept_size > WAITING // 2:
            self._kept_size -= len(self._kept.popleft().data)

    def _extend(self, pieces: Sequence[Piece], *, again: bool = False) -> None:
        lines: list[str] = []
        for piece in pieces:
            if piece.note:
                lines.append(f"{OURS}{piece.note}")
                continue
            cut = self._cutter.feed(self._binary.feed(piece.data))
            if not again:
                self._look_at(cut)
            if self.look.hex:
                lines += log_lines.hex_rows(piece.data, self._offset)
            else:
                lines += self._shown(cut, piece.at)
            self._offset += len(piece.data)
        if lines:
            self._begun = False
            self.tail.extend(self.tail.end, lines[-MAX_LINES:])

    def _look_at(self, cut: Sequence[str]) -> None:
        """Plot new lines, and look for addresses in them."""
        if self.plot is not None:
            for line in cut:
                self.plot.feed(line)
        if self._crashes is not None:
            # Reading debug information takes too long for the screen's thread.
            self._crashes.resolve([line for line in cut if log_lines.has_address(line)])

    def _shown(self, cut: Sequence[str], at: datetime) -> list[str]:
        stamp = f"{at:%H:%M:%S}.{at.microsecond // 1000:03} " if self.look.timestamps else ""
        lines = []
        for line in cut:
            if self._begun:
                # It stands there already without its end.
                self._begun = False
                self.tail.amend(stamp + line)
                continue
            if self._selection.shows(line):
                lines.append(stamp + line)
        return lines

    def _settle(self) -> None:
        """Nothing came for a while: a line may be whole."""
        settled = self._cutter.settle()
        self._look_at(settled)
        lines = [] if self.look.hex else self._shown(settled, datetime.now(UTC))
        if lines:
            self.tail.extend(self.tail.end, lines)

    def _show_begun(self) -> None:
        """Show a line without an end: a prompt, an echo, a progress bar."""
        rest = self._cutter.rest
        if self.look.hex or not rest or not self._selection.shows(rest):
            return
        if not self._begun:
            self._begun = True
            self.tail.extend(self.tail.end, [rest])
        elif self.tail.get(self.tail.end - 1) != rest:
            self.tail.amend(rest)
