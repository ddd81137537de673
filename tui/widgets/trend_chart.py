"""A chart of one number of each build, with a cursor over the builds.

Builds stand side by side, as far as there is room, in their order; those for each chip and
configuration are a line of their own. Drawn with the dots of :class:`~tui.widgets.chart.Canvas`:
textual-plotext draws through plotext, which has no ASCII, and textual-plot needs numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from engine import MAX_PLOT_SERIES
from engine.enums import RunStatus
from tui.presentation.strips import fit, pieces, row
from tui.widgets.base import RowWidget
from tui.widgets.chart import LABEL_CELLS, Canvas

if TYPE_CHECKING:
    from engine import Point
    from tui.app_base import AppBase

PAGE_BUILDS = 10
"""Builds that a page key goes."""

_SIGNS = "*+ox#@"


class TrendChart(RowWidget):
    """A title with the lines' names, the lines, and the numbers of the builds below them."""

    PREFIX = "trend"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "trend--title",
        "trend--title-focus",
        "trend--text",
        "trend--label",
        "trend--failed",
        "trend--cursor",
        *(f"trend--series-{number}" for number in range(MAX_PLOT_SERIES)),
    }
    can_focus = False

    class Moved(Message):
        """The cursor is on another build."""

    class Opened(Message):
        """A build was double-clicked."""

    def __init__(self, write: Callable[[float], str], *, id: str | None = None) -> None:
        """Make an empty one.

        Args:
            write: a value, as it stands beside the lines.
        """
        super().__init__(id=id)
        self._write = write
        self._points: Sequence[Point] = ()
        self._variants: list[tuple[str, str]] = []
        self._cursor = 0
        self._first = 0
        self._empty = ""
        self._cells: list[list[tuple[str, str]]] = []
        self._painted: tuple[int, int, int] | None = None
        self._low, self._high = 0.0, 0.0

    @property
    def points(self) -> Sequence[Point]:
        """What is drawn, by build."""
        return self._points

    @property
    def point(self) -> Point | None:
        """What is under the cursor."""
        return self._points[self._cursor] if self._points else None

    @property
    def before(self) -> Point | None:
        """The point before that of the same chip and configuration."""
        here = self.point
        if here is None:
            return None
        earlier = reversed(self._points[: self._cursor])
        return next((each for each in earlier if each.build.variant == here.build.variant), None)

    def show(self, points: Sequence[Point], *, empty: str = "") -> None:
        """Draw other points; the cursor stays with its build, else it is on the newest.

        Args:
            points: by build, the oldest first.
            empty: what is said where there are none.
        """
        here = self.point
        self._points, self._empty = points, empty
        self._variants = sorted({point.build.variant for point in points})
        numbers = [point.build.number for point in points]
        wanted = here.build.number if here is not None else 0
        self._cursor = numbers.index(wanted) if wanted in numbers else max(0, len(points) - 1)
        self._changed()

    def move(self, rows: int) -> None:
        """Move the cursor by so many builds."""
        self._move_to(self._cursor + rows)

    def move_pages(self, pages: int) -> None:
        """Move the cursor by so many times ten builds."""
        self.move(pages * PAGE_BUILDS)

    def to_first(self) -> None:
        """Go to the oldest build."""
        self._move_to(0)

    def to_last(self) -> None:
        """Go to the newest build."""
        self._move_to(len(self._points) - 1)

    def render_line(self, y: int) -> Strip:
        """One row."""
        width, text = self.size.width, self.style_of("text")
        if y == 0:
            return pieces(self._head(), width, self.title_style, cut=self.cut)
        if not self._points:
            return row(f" {self._empty}" if y == 1 else "", text, width)
        self._paint()
        if y == self.size.height - 1:
            return pieces([(" " * LABEL_CELLS, text), *self._axis()], width, text)
        label = ""
        if y == 1:
            label = self._write(self._high)
        elif y == self.size.height - 2 and self._low < self._high:
            label = self._write(self._low)
        parts = [(f"{fit(label.rjust(LABEL_CELLS - 1), LABEL_CELLS - 1)} ", self.style_of("label"))]
        column = self._column(self._cursor)
        for x, (sign, name) in enumerate(self._cells[y - 1] if y - 1 < len(self._cells) else ()):
            parts.append((sign, self.style_of("cursor" if x == column else name)))
        return pieces(parts, width, text)

    def _head(self) -> list[tuple[str, Style]]:
        parts = [(f"{self.title}  ", self.title_style)]
        for number, (target, configuration) in enumerate(self._variants[:MAX_PLOT_SERIES]):
            sign = _SIGNS[number % len(_SIGNS)] if self.ascii else "●"
            parts += [
                (f"{sign} ", self.style_of(f"series-{number}")),
                (f"{target} {configuration}".rstrip() + "  ", self.title_style),
            ]
        return parts

    def _axis(self) -> list[tuple[str, Style]]:
        """Numbers of the first and the last build that are seen, and of that at the cursor."""
        label, cursor = self.style_of("label"), self.style_of("cursor")
        room = self._room
        shown = self._points[self._first : self._first + room]
        line = [" "] * room
        ends = [(0, f"#{shown[0].build.number}")]
        last = f"#{shown[-1].build.number}"
        ends.append((max(0, self._column(self._first + len(shown) - 1) + 1 - len(last)), last))
        for at, text in ends:
            line[at : at + len(text)] = text
        here = f"#{self._points[self._cursor].build.number}"
        at = min(max(0, self._column(self._cursor) - len(here) // 2), max(0, room - len(here)))
        before, after = "".join(line[:at]), "".join(line[at + len(here) : room])
        # A number that is half covered says something else.
        before = before if before.endswith(" ") or not before else before.rpartition(" ")[0]
        after = after if after.startswith(" ") or not after else after.partition(" ")[2]
        return [
            (before.ljust(at), label),
            (here, cursor),
            (after.rjust(room - at - len(here)), label),
        ]

    def _paint(self) -> None:
        """Draw the lines where they changed."""
        room, height = self._room, max(1, self.size.height - 2)
        self._scroll(room)
        state = (room, height, self._first)
        if self._painted == state:
            return
        self._painted = state
        shown = self._points[self._first : self._first + room]
        values = [point.value for point in shown]
        self._low, self._high = min(values), max(values)
        canvas = Canvas(room, height, ascii=self.ascii)
        for number, variant in enumerate(self._variants):
            line = [
                (self._column(index) * canvas.dots_across, point.value)
                for index, point in enumerate(shown, self._first)
                if point.build.variant == variant
            ]
            canvas.trace(number, line, self._low, self._high)
        self._cells = [
            [
                (sign, f"series-{number % MAX_PLOT_SERIES}" if number >= 0 else "text")
                for text, number in runs
                for sign in text
            ]
            for runs in canvas.rows()
        ]
        bad = cast("AppBase", self.app).glyphs.state(RunStatus.FAILED)
        for index, point in enumerate(shown, self._first):
            y, x = canvas.row_of(point.value, self._low, self._high), self._column(index)
            if point.build.status is RunStatus.FAILED:
                self._cells[y][x] = (bad, "failed")

    def _scroll(self, room: int) -> None:
        """Keep the cursor in view."""
        self._first = min(self._first, self._cursor)
        self._first = max(self._first, self._cursor - room + 1, 0)
        self._first = min(self._first, max(0, len(self._points) - room))

    def _column(self, index: int) -> int:
        """The cell in which a point is; few points stand apart over the whole width."""
        room, count = self._room, len(self._points)
        if count >= room:
            return index - self._first
        return round(index * (room - 1) / max(1, count - 1)) if count > 1 else room // 2

    def _move_to(self, index: int) -> None:
        index = max(0, min(index, len(self._points) - 1))
        if index != self._cursor:
            self._cursor = index
            self._changed(repaint=False)

    def _changed(self, *, repaint: bool = True) -> None:
        if repaint:
            self._painted = None
        self.refresh()
        self.post_message(self.Moved())

    def _on_resize(self, _event: events.Resize) -> None:
        self._painted = None
        self.refresh()

    async def _on_click(self, event: events.Click) -> None:
        if not self._points:
            return
        x = event.x - LABEL_CELLS
        first, last = self._first, min(len(self._points), self._first + self._room)
        self._move_to(min(range(first, last), key=lambda index: abs(self._column(index) - x)))
        if event.chain == 2:
            self.post_message(self.Opened())

    @property
    def _room(self) -> int:
        return max(1, self.size.width - LABEL_CELLS)

    @property
    def ascii(self) -> bool:
        """Whether the terminal shows nothing else."""
        return cast("AppBase", self.app).glyphs.ascii
