"""Prints a board's console on a terminal, into a pipe or as JSON."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from engine import Finding, load_symbols
from engine.text import clean
from tui.presentation.console_formatter import (
    ConsoleFormatter,
    ConsoleLine,
    ConsoleView,
    Formatted,
    LineKind,
    with_skipped,
)
from tui.presentation.line_class import console_class
from tui.state.byte_queue import Backlog

_COLOURS = {"error": "31", "good": "32", "warning": "33", "place": "33", "note": "36"}
"""Foreground colours of ECMA-48, by :func:`tui.presentation.line_class.console_class`."""

_MARK = "7"

WAITING_BYTES = 8 << 20
"""What may wait for a slow terminal or pipe."""

PROMPT_SECONDS = 0.1
"""After so long without anything new, a line without an end is shown: a prompt, an echo."""


class ConsolePrinter:
    """Prints what a board says, in a thread of its own: a terminal that waits loses no byte.

    Untrusted text: it cannot steer the terminal.
    """

    def __init__(
        self,
        out: TextIO,
        view: ConsoleView,
        *,
        program: Path | None = None,
        root: Path = Path(),
        as_json: bool = False,
        on_line: Callable[[str], None] = lambda _line: None,
        on_no_reader: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to print.

        Args:
            out: where to; a pipe that was closed is no error, printing just ends.
            view: how.
            program: ELF by which addresses are decoded, None for none.
            root: sources inside it are named relative to it.
            as_json: print objects of JSON, one a line, instead of lines for people.
            on_line: called with each line of the board, printed or not, and with a prompt.
            on_no_reader: called when nobody reads ``out`` any more.
        """
        self._out = out
        self._on_line = on_line
        self._on_no_reader = on_no_reader
        self._formatter = ConsoleFormatter(
            view,
            program,
            symbols=load_symbols(program) if program is not None else None,
            root=root,
            shows_unfinished=out.isatty() and not as_json,
        )
        self._writer = LineWriter(out, self._formatter, as_json=as_json)
        self._may_print = threading.Event()
        self._may_print.set()
        self._backlog = Backlog(WAITING_BYTES)
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def feed(self, data: bytes) -> None:
        """Take the next bytes; never waits."""
        self._backlog.put(data)

    def note(self, text: str) -> None:
        """Print a note between what the board says."""
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
        view = self._formatter.view
        self._formatter.view = replace(view, timestamps=not view.timestamps)

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
            self._write(self._formatter.end(datetime.now(UTC)))
            self._writer.end_row()
            self._out.flush()
        except (BrokenPipeError, ValueError):
            self._on_no_reader()

    def _print_some(self) -> None:
        pieces, skipped = self._backlog.take(PROMPT_SECONDS)
        self._write(self._formatter.format(with_skipped(pieces, skipped)))
        self._write(self._formatter.rest(datetime.now(UTC), is_quiet=not pieces))
        self._out.flush()
        if not pieces and (begun := self._formatter.unfinished):
            self._on_line(begun)

    def _write(self, formatted: Formatted) -> None:
        self._writer.write(formatted)
        if formatted.whole:
            self._out.flush()  # a line that ends the watching is seen first
        for line in formatted.whole:
            self._on_line(line)


class LineWriter:
    """Writes lines of a console, on a terminal each where the one is that has grown to it."""

    def __init__(self, out: TextIO, formatter: ConsoleFormatter, *, as_json: bool = False) -> None:
        """Write nothing yet.

        Args:
            out: where to.
            formatter: whose lines they are; says what to mark in them.
            as_json: write objects of JSON, one a line.
        """
        self._out = out
        self._as_json = as_json
        self._formatter = formatter
        self._is_terminal = out.isatty()
        self._begun = ""

    def write(self, formatted: Formatted) -> None:
        """Write what is to be shown of it."""
        if self._as_json:
            self._out.write("".join(f"{json.dumps(_as_json(line))}\n" for line in formatted.shown))
            return
        if not self._is_terminal:
            self._out.write(
                "".join(f"{clean(line.stamp + line.text)}\n" for line in formatted.shown)
            )
            return
        for line in formatted.shown:
            self._write(line)

    def end_row(self) -> None:
        """Go to a row of its own for what comes next."""
        if self._begun:
            self._out.write("\n")
            self._begun = ""

    def _write(self, line: ConsoleLine) -> None:
        text = clean(line.stamp + line.text)
        if line.kind is LineKind.UNFINISHED:
            if text.startswith(self._begun) or self._erase_begun():
                self._out.write(text[len(self._begun) :])
                self._begun = text
        elif self._begun and line.amends and text.startswith(self._begun):
            self._out.write(text[len(self._begun) :])
            self.end_row()
        else:
            if self._begun and not (line.amends and self._erase_begun()):
                self.end_row()
            self._write_row(text, line)

    def _erase_begun(self) -> bool:
        """Take back a line that is drawn over; not where it takes more than a row."""
        if len(self._begun) >= shutil.get_terminal_size().columns:
            return False
        self._out.write("\r\x1b[K")
        self._begun = ""
        return True

    def _write_row(self, text: str, line: ConsoleLine) -> None:
        found = "text" if line.kind is LineKind.HEX else console_class(line.text)
        colour = line.colour if line.colour and found == "text" else _COLOURS.get(found, "")
        begin = f"\x1b[{colour}m" if colour else ""
        marks = self._formatter.view.selection.marks(text) if line.kind is LineKind.OUTPUT else ()
        parts, at = [begin], 0
        for start, end in marks:
            parts += [text[at:start], f"\x1b[{_MARK}m", text[start:end], f"\x1b[0m{begin}"]
            at = end
        parts += [text[at:], "\x1b[0m\n" if colour else "\n"]
        self._out.write("".join(parts))


def _as_json(line: ConsoleLine) -> dict[str, str]:
    """A line for programs: when its first byte came, what it is, what it says."""
    at = line.at.isoformat() if line.at is not None else ""
    return {"at": at, "kind": line.kind, "text": clean(line.text)}
