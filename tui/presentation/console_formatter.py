"""The lines that a person sees of a board's console, in the app as on the command line.

Bytes become lines or rows of a hex dump, chosen by filters, with the time when they came; a line
that has not ended yet, a prompt or a progress bar, is shown as it grows. Who shows them cleans
them: they are untrusted text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from engine import (
    BinaryLog,
    ColouredLine,
    LineCutter,
    LineSelection,
    LineTimes,
    Symbols,
    decoded_addresses,
    hex_rows,
)
from engine.text import count
from tui.presentation.line_class import NOTE_PREFIX
from tui.presentation.units import clock_to_milliseconds
from tui.state.byte_queue import Piece


@dataclass(frozen=True)
class ConsoleView:
    """How a console is shown.

    Args:
        print_filter, highlight, mute: as :class:`~engine.LineSelection` takes them.
        timestamps: whether each line says when its first byte came (UTC).
        hex: bytes instead of lines; nothing is left out of them.

    Raises:
        UsageError: a filter or pattern makes no sense.
    """

    print_filter: str = ""
    highlight: str = ""
    mute: str = ""
    timestamps: bool = False
    hex: bool = False
    selection: LineSelection = field(init=False, repr=False, compare=False)
    """Which lines to show, and what to mark in them."""

    def __post_init__(self) -> None:
        selection = LineSelection(self.print_filter, self.highlight, self.mute)
        object.__setattr__(self, "selection", selection)


class LineKind(StrEnum):
    """What a line that is shown is."""

    OUTPUT = "output"
    UNFINISHED = "unfinished"
    HEX = "hex"
    NOTE = "note"
    PLACE = "place"


class ConsoleLine(NamedTuple):
    """A line as it is shown.

    Args:
        text: what it says. Untrusted.
        kind: what it is: of the board, whole or as far as it came; bytes; a note of espdeck's;
            where an address of the line before lies.
        stamp: when it came, for people; empty for no time.
        amends: whether it is the line that was shown last, which has grown or ended.
        at: when its first byte came (UTC).
        colour: that firmware chose for it, as :class:`engine.ColouredLine` has it; empty for none.
    """

    text: str
    kind: LineKind
    stamp: str = ""
    amends: bool = False
    at: datetime | None = None
    colour: str = ""

    def __str__(self) -> str:
        """All of it, its colour before it: :func:`tui.presentation.line_class.console_class`."""
        colour = f"\x1b[{self.colour}m" if self.colour else ""
        return colour + self.stamp + self.text


@dataclass(frozen=True, slots=True)
class Formatted:
    """What came of some bytes.

    Args:
        shown: what to show, in its order.
        whole: the lines that ended, shown or not.
    """

    shown: Sequence[ConsoleLine] = ()
    whole: Sequence[str] = ()


class ConsoleFormatter:
    """Formats one console; of one thread."""

    def __init__(
        self,
        view: ConsoleView,
        program: Path | None = None,
        *,
        symbols: Symbols | None = None,
        root: Path = Path(),
        offset: int = 0,
        shows_unfinished: bool = True,
    ) -> None:
        """Begin with a console.

        Args:
            view: how to show it.
            program: ELF of the program that runs, by which a binary log is read; None for none.
            symbols: of that program, by which addresses are decoded below each line; None to
                decode none here.
            root: sources inside it are named relative to it.
            offset: which byte of the console comes first, from 0.
            shows_unfinished: whether a line can be shown that grows later; not in a pipe.
        """
        self.view = view
        """How to show what comes from now on."""

        self.offset = offset
        """Which byte of the console comes next."""

        self._symbols = symbols
        self._root = root
        self._shows_unfinished = shows_unfinished
        self._binary = BinaryLog(program)
        self._cutter = LineCutter()
        self._times = LineTimes()
        self._unfinished: ConsoleLine | None = None

    def use_program(self, program: Path | None) -> None:
        """Read what comes from now on by another program; from any thread.

        Args:
            program: its ELF, None when nobody knows.
        """
        self._binary = BinaryLog(program)

    def format(self, pieces: Iterable[Piece]) -> Formatted:
        """Take what came next: bytes of the board, and notes of espdeck's between them."""
        shown, whole = list[ConsoleLine](), list[str]()
        for piece in pieces:
            if piece.note:
                self._unfinished = None
                shown.append(ConsoleLine(NOTE_PREFIX + piece.note, LineKind.NOTE, at=piece.at))
                continue
            lines = self._cutter.feed(self._binary.feed(piece.data))
            whole += lines
            shown += self._hex(piece) if self.view.hex else self._lines(lines, piece.at)
            self.offset += len(piece.data)
        return Formatted(shown, whole)

    @property
    def unfinished(self) -> str:
        """The line that has begun and not ended, such as a prompt; empty for none."""
        return self._cutter.rest

    def rest(self, at: datetime, *, is_quiet: bool) -> Formatted:
        """Take the line that has begun, when all that has come was formatted.

        Args:
            at: the time now (UTC).
            is_quiet: whether nothing has come for a while: it may be whole, or wait for a person.
        """
        whole = self._cutter.settle() if is_quiet else []
        shown = [] if self.view.hex else self._lines(whole, at)
        if is_quiet or self._cutter.is_redrawn:
            shown += self._grown(at)
        return Formatted(shown, whole)

    def end(self, at: datetime) -> Formatted:
        """Take what has begun as whole: nothing more comes."""
        whole = self._cutter.flush()
        return Formatted([] if self.view.hex else self._lines(whole, at), whole)

    def _hex(self, piece: Piece) -> list[ConsoleLine]:
        rows = hex_rows(piece.data, self.offset)
        return [ConsoleLine(row, LineKind.HEX, at=piece.at) for row in rows]

    def _lines(self, whole: Sequence[str], at: datetime) -> list[ConsoleLine]:
        """Those of some lines that are to be shown; the first may stand there already."""
        first = self._times.take(at, ended=bool(whole), begun=bool(self._cutter.rest))
        if not whole:
            return []
        begun, self._unfinished = self._unfinished, None
        shows = self.view.selection.shows
        shown: list[ConsoleLine] = []
        if begun is not None or shows(whole[0]):
            shown.append(self._line(whole[0], first, amends=begun is not None))
        shown += [self._line(text, at) for text in whole[1:] if shows(text)]
        return shown if self._symbols is None else self._with_places(shown, self._symbols)

    def _line(self, text: str, at: datetime, *, amends: bool = False) -> ConsoleLine:
        colour = text.colour if isinstance(text, ColouredLine) else ""
        return ConsoleLine(text, LineKind.OUTPUT, self._stamp(at), amends, at, colour)

    def _with_places(self, lines: Sequence[ConsoleLine], program: Symbols) -> list[ConsoleLine]:
        """The lines, each before where its addresses lie."""
        shown: list[ConsoleLine] = []
        for line in lines:
            shown.append(line)
            for place in decoded_addresses(line.text, program, self._root):
                shown.append(ConsoleLine(NOTE_PREFIX + place, LineKind.PLACE, at=line.at))
        return shown

    def _grown(self, at: datetime) -> list[ConsoleLine]:
        """The line that has begun, where it is not shown yet as far as it came."""
        text, begun = self._cutter.rest, self._unfinished
        if not self._shows_unfinished or self.view.hex or not text:
            return []
        if not self.view.selection.shows(text) or (begun and begun.text == text):
            return []
        at = self._times.begun_at or at
        self._unfinished = ConsoleLine(
            text, LineKind.UNFINISHED, self._stamp(at), amends=begun is not None, at=at
        )
        return [self._unfinished]

    def _stamp(self, at: datetime) -> str:
        return f"{clock_to_milliseconds(at)} " if self.view.timestamps else ""


def with_skipped(pieces: Sequence[Piece], skipped: int) -> list[Piece]:
    """Pieces after a note of how many lines came before them faster than they were shown."""
    if not skipped:
        return [*pieces]
    text = f"{count(skipped, 'line')} not shown; the session has them"
    return [Piece(datetime.now(UTC), b"", text), *pieces]
