"""A board's console as lines on a terminal: chosen, coloured by level, addresses decoded."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from engine.findings import Finding
from engine.monitor import log_lines, symbols
from engine.monitor.binary_log import BinaryLog
from engine.monitor.line_splitter import LineCutter
from engine.monitor.log_lines import Selection
from engine.text import clean, count
from tui.state.byte_queue import Backlog

_COLOURS = {"E": "31", "W": "33"}
"""Foreground colours of ECMA-48 for the levels that should catch the eye."""

_OURS, _PLACE, _MARK = "36", "33", "7"

WAITING = 8 << 20
"""Bytes that may wait for a slow terminal or pipe."""

PROMPT_SECONDS = 0.1
"""After so long without anything new, a line without an end is shown: a prompt, an echo."""


@dataclass(frozen=True, slots=True)
class View:
    """How a console is shown.

    Args:
        selection: which lines, and what is marked in them.
        program: ELF by which addresses are decoded, None for none.
        root: sources inside it are named relative to it.
        timestamps: whether to say when each line came.
        hex: bytes instead of lines; nothing is left out of them.
    """

    selection: Selection = field(default_factory=Selection)
    program: Path | None = None
    root: Path = Path()
    timestamps: bool = False
    hex: bool = False


class ConsolePrinter:
    """Prints what a board says, in a thread of its own: a terminal that waits loses no byte.

    Untrusted text: it cannot steer the terminal.
    """

    def __init__(self, out: TextIO, view: View) -> None:
        """Begin to print.

        Args:
            out: where to; a pipe that was closed is no error, printing just ends.
            view: how.
        """
        self._out = out
        self._view = view
        self._timestamps = view.timestamps
        self._symbols = symbols.load(view.program) if view.program is not None else None
        self._is_terminal = out.isatty()
        self._binary = BinaryLog(view.program)
        self._cutter = LineCutter()
        self._offset = 0
        self._begun = ""
        self._may_print = threading.Event()
        self._may_print.set()
        self._backlog = Backlog(WAITING)
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def feed(self, data: bytes) -> None:
        """Take the next bytes; never waits."""
        self._backlog.put(data)

    def note(self, text: str) -> None:
        """Print a line of our own."""
        self._backlog.note(text)

    def found(self, finding: Finding) -> None:
        """Print a problem that was found in the output."""
        self.note(f"{finding.severity}: {finding.title}")
        if finding.hint:
            self.note(f"hint: {finding.hint}")
        for line in (finding.evidence or "").split("\n"):
            self.note(f"  {line}")

    def pause(self) -> None:
        """Stop printing, or go on; meanwhile all is kept."""
        if self._may_print.is_set():
            self.note("paused")
            self._may_print.clear()
        else:
            self._may_print.set()

    def toggle_timestamps(self) -> None:
        """Times from now on, or none."""
        self._timestamps = not self._timestamps

    def close(self, timeout: float = 5.0) -> None:
        """Print what is left, for at most ``timeout`` seconds."""
        self._backlog.close()
        self._may_print.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while not self._backlog.is_over:
                self._may_print.wait()
                self._print_some()
            for line in self._cutter.flush():
                self._line(line, datetime.now(UTC))
            self._end_begun()
            self._out.flush()
        except (BrokenPipeError, ValueError):
            return

    def _print_some(self) -> None:
        pieces, skipped = self._backlog.take(PROMPT_SECONDS)
        if skipped:
            self._ours(f"{count(skipped, 'line')} not shown; the session has them")
        for piece in pieces:
            if piece.note:
                self._ours(piece.note)
            elif self._view.hex:
                for row in log_lines.hex_rows(piece.data, self._offset):
                    self._print(row, "")
                self._offset += len(piece.data)
            else:
                for line in self._cutter.feed(self._binary.feed(piece.data)):
                    self._line(line, piece.at)
        if not pieces:
            for line in self._cutter.settle():
                self._line(line, datetime.now(UTC))
        if self._is_terminal and not self._view.hex and (not pieces or self._cutter.is_redrawn):
            self._begin()
        self._out.flush()

    def _begin(self) -> None:
        """Show what has come of a line that has not ended."""
        rest = clean(self._cutter.rest)
        if self._view.selection.shows(self._cutter.rest) and (
            rest.startswith(self._begun) or self._erase_begun()
        ):
            self._out.write(rest[len(self._begun) :])
            self._begun = rest

    def _erase_begun(self) -> bool:
        """Take back a line that is drawn over; not where it takes more than a row."""
        if len(self._begun) >= shutil.get_terminal_size().columns:
            return False
        self._out.write("\r\x1b[K")
        self._begun = ""
        return True

    def _end_begun(self) -> None:
        if self._begun:
            self._out.write("\n")
            self._begun = ""

    def _line(self, line: str, at: datetime) -> None:
        text = clean(line)
        if self._begun and text.startswith(self._begun):
            self._out.write(text[len(self._begun) :])
            self._end_begun()
        elif not self._view.selection.shows(line):
            self._end_begun()
            return
        else:
            if self._begun and not self._erase_begun():
                self._end_begun()
            found = log_lines.parse(line) if self._is_terminal else None
            stamp = f"{at:%H:%M:%S}.{at.microsecond // 1000:03} " if self._timestamps else ""
            self._print(stamp + text, _COLOURS.get(found.level, "") if found else "", marks=True)
        if self._symbols is not None:
            for place in log_lines.places(line, self._symbols, self._view.root):
                self._print(f"--- 0x{place.address:08x}: {clean(str(place))}", _PLACE)

    def _ours(self, text: str) -> None:
        self._end_begun()
        self._print(f"--- {clean(text)}", _OURS)

    def _print(self, text: str, colour: str, *, marks: bool = False) -> None:
        if not self._is_terminal:
            self._out.write(f"{text}\n")
            return
        begin = f"\x1b[{colour}m" if colour else ""
        parts, at = [begin], 0
        for start, end in self._view.selection.marks(text) if marks else ():
            parts += [text[at:start], f"\x1b[{_MARK}m", text[start:end], f"\x1b[0m{begin}"]
            at = end
        parts += [text[at:], "\x1b[0m\n" if colour else "\n"]
        self._out.write("".join(parts))
