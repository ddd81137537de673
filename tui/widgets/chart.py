"""A small chart of series of numbers that grow.

Drawn here with braille dots, two by four a cell, and in ASCII with a sign a cell: plotext 6 brings
a compiled kernel, Pillow and 0.1 s of import for it, and has no ASCII.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.style import Style
from textual.strip import Strip

from engine import MAX_PLOT_SERIES, Plot
from tui.presentation.strips import pieces, row
from tui.widgets.base import RowWidget

if TYPE_CHECKING:
    from tui.app_base import AppBase

LABEL_CELLS = 10
"""Width of the numbers beside the chart."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell by row and column (Unicode, "Braille Patterns")."""

_SIGNS = "*+ox#@"


class Canvas:
    """Cells that lines are drawn into."""

    def __init__(self, width: int, height: int, *, ascii: bool) -> None:
        """Make an empty one of so many cells."""
        self._ascii = ascii
        self._across, self._down = (1, 1) if ascii else (2, 4)
        self.columns, self._rows = width * self._across, height * self._down
        self._cells = [[(0, -1)] * width for _ in range(height)]

    def draw(self, number: int, points: Sequence[float], low: float, high: float) -> None:
        """Draw the newest points of a series, the last at the right edge."""
        shown = points[-self.columns :]
        self.trace(number, list(enumerate(shown, self.columns - len(shown))), low, high)

    def trace(
        self, number: int, points: Sequence[tuple[int, float]], low: float, high: float
    ) -> None:
        """Draw points of a series, and the lines between them.

        Args:
            points: column of dots, from left to right, and value of each.
        """
        span = high - low or 1.0
        dots = [(x, round((high - value) / span * (self._rows - 1))) for x, value in points]
        for (x, y), (to_x, to_y) in itertools.pairwise([*dots[:1], *dots]):
            at = y
            for column in range(min(x + 1, to_x), to_x + 1):
                part = (column - x) / (to_x - x) if to_x > x else 1.0
                end = round(y + (to_y - y) * part)
                # What lies between two dots is drawn too, so that a jump is a line.
                step = 1 if end > at else -1
                for each in [end] if at == end else range(at + step, end + step, step):
                    self._dot(column, each, number)
                at = end

    def row_of(self, value: float, low: float, high: float) -> int:
        """The row of cells in which a value is drawn, from the top."""
        dots = round((high - value) / (high - low or 1.0) * (self._rows - 1))
        return dots // self._down

    @property
    def dots_across(self) -> int:
        """Columns of dots in a cell."""
        return self._across

    def rows(self) -> list[list[tuple[str, int]]]:
        """Each row as texts with the number of their series, -1 for none."""
        return [
            [
                ("".join(self._sign(*cell) for cell in run), number)
                for number, run in itertools.groupby(cells, key=lambda cell: cell[1])
            ]
            for cells in self._cells
        ]

    def _dot(self, x: int, y: int, number: int) -> None:
        line = self._cells[y // self._down]
        bits, _ = line[x // self._across]
        bit = _DOTS[y % self._down][x % self._across]
        line[x // self._across] = (bits | bit, number)

    def _sign(self, bits: int, number: int) -> str:
        if not bits:
            return " "
        return _SIGNS[number % len(_SIGNS)] if self._ascii else chr(0x2800 + bits)


class Chart(RowWidget):
    """A title with the newest numbers, then the lines."""

    PREFIX = "chart"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--title",
        "chart--title-focus",
        "chart--text",
        "chart--label",
        *(f"chart--series-{number}" for number in range(MAX_PLOT_SERIES)),
    }
    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot: Plot | None = None
        self._drawn = -1
        self._drawn_size = (0, 0)
        self._low, self._high = 0.0, 0.0
        self._lines: list[list[tuple[str, int]]] = []

    @property
    def plot(self) -> Plot | None:
        """The plot that is drawn."""
        return self._plot

    def show(self, plot: Plot | None) -> None:
        """Draw another plot from now on, or none."""
        self._plot = plot
        self._drawn = -1
        self.refresh()

    def sync(self) -> None:
        """Draw what came since the last call."""
        if self._plot is not None and self._plot.version != self._drawn:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row."""
        width = self.size.width
        if self._plot is None:
            return row("", self.style_of("text"), width)
        self._paint(self._plot)
        if y == 0:
            return pieces(self._head(self._plot), width, self.title_style)
        label = ""
        if y == 1:
            label = f"{self._high:.6g}"
        elif y == self.size.height - 1:
            label = f"{self._low:.6g}"
        text = self.style_of("text")
        parts = [(f"{label:>{LABEL_CELLS - 1}} ", self.style_of("label"))]
        if y - 1 < len(self._lines):
            parts += [
                (run, text if number < 0 else self.style_of(f"series-{number}"))
                for run, number in self._lines[y - 1]
            ]
        return pieces(parts, width, text)

    def _head(self, plot: Plot) -> list[tuple[str, Style]]:
        parts = [(" ", self.title_style)]
        for number, series in enumerate(plot.series):
            sign = _SIGNS[number] if self.ascii else "●"
            newest = f"{series.points[-1]:.6g}" if series.points else "-"
            parts += [
                (f"{sign} ", self.style_of(f"series-{number}")),
                (f"{series.name} {newest}  ", self.title_style),
            ]
        return parts

    def _paint(self, plot: Plot) -> None:
        size = (self.size.width - LABEL_CELLS, self.size.height - 1)
        if (plot.version, size) == (self._drawn, self._drawn_size):
            return
        self._drawn, self._drawn_size = plot.version, size
        canvas = Canvas(max(1, size[0]), max(1, size[1]), ascii=self.ascii)
        seen = [list(series.points)[-canvas.columns :] for series in plot.series]
        everything = [point for points in seen for point in points]
        self._low, self._high = min(everything, default=0.0), max(everything, default=0.0)
        for number, points in enumerate(seen):
            if points:
                canvas.draw(number, points, self._low, self._high)
        self._lines = canvas.rows()

    @property
    def ascii(self) -> bool:
        """Whether the terminal shows nothing else."""
        return cast("AppBase", self.app).glyphs.ascii
