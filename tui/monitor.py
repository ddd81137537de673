"""A board's console as lines on a terminal: filtered, coloured by level, addresses decoded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from engine.boards import console, symbols
from engine.boards.console import LineCutter, PrintFilter
from engine.text import clean

_COLOURS = {"E": "31", "W": "33"}
"""Foreground colours of ECMA-48 for the levels that should catch the eye."""


class ConsolePrinter:
    """Prints what a board says. Untrusted text: it cannot steer the terminal."""

    def __init__(
        self,
        out: TextIO,
        print_filter: str,
        program: Path | None,
        root: Path,
        *,
        timestamps: bool,
    ) -> None:
        """Begin to print.

        Args:
            out: where to.
            print_filter: which lines, as :class:`PrintFilter` reads it.
            program: ELF by which addresses are decoded, None for none.
            root: sources inside it are named relative to it.
            timestamps: whether to say when each line came.

        Raises:
            UsageError: the filter makes no sense.
        """
        self._out = out
        self._filter = PrintFilter(print_filter)
        self._symbols = symbols.load(program) if program is not None else None
        self._root = root
        self._timestamps = timestamps
        self._cutter = LineCutter()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        for line in self._cutter.feed(data):
            self._line(line)
        self._out.flush()

    def note(self, text: str) -> None:
        """Print a line of our own."""
        self._print(f"--- {clean(text)}", "36")
        self._out.flush()

    def _line(self, line: str) -> None:
        if not self._filter.shows(line):
            return
        found = console.parse(line)
        stamp = f"{datetime.now(UTC):%H:%M:%S.%f}"[:-3] + " " if self._timestamps else ""
        self._print(f"{stamp}{clean(line)}", _COLOURS.get(found.level, "") if found else "")
        if self._symbols is not None:
            for place in console.places(line, self._symbols, self._root):
                self._print(f"--- 0x{place.address:08x}: {clean(str(place))}", "33")

    def _print(self, text: str, colour: str) -> None:
        coloured = colour and self._out.isatty()
        self._out.write(f"\x1b[{colour}m{text}\x1b[0m\n" if coloured else f"{text}\n")
