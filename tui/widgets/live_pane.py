"""A pane that shows a log while it grows, and goes back in time.

The newest lines come from a bounded tail in memory, older ones from the log store by range. Only
what is seen is cleaned, wrapped, coloured and drawn, one segment a row: a flood costs no more than
its newest screenful, ten times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from engine.text import clean, count
from tui.presentation.line_class import log_class
from tui.presentation.strips import drop_cells, fit, pieces, row, wrap
from tui.state.log_tail import LogTail
from tui.widgets.base import RowWidget

GUTTER_CELLS = 10
"""Cells before a line of source: its number, and a sign for the one that is meant."""

PAGE_LINES = 400
"""Lines that are asked of the store at once."""


def prose_class(line: str) -> str:
    """The colour for a line of Markdown that is not laid out: headings and fences are notes."""
    return "note" if line.startswith(("#", "```", "~~~", "$ ")) else "text"


def source_class(line: str) -> str:
    """The colour for a line of an excerpt: what is said of the source has no number before it."""
    return "warning" if line[:GUTTER_CELLS].isspace() else "text"


class LivePane(RowWidget):
    """A title row, then lines of one log."""

    PREFIX = "live-pane"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "live-pane--title",
        "live-pane--title-focus",
        "live-pane--text",
        "live-pane--error",
        "live-pane--warning",
        "live-pane--good",
        "live-pane--note",
        "live-pane--place",
        "live-pane--match",
    }

    class Wanted(Message):
        """Lines are to be shown that are not in memory: give them with :meth:`LivePane.give`."""

        def __init__(self, pane: LivePane, tail: LogTail, first: int) -> None:
            super().__init__()
            self.pane = pane
            self.tail = tail
            self.first = first

        @property
        def control(self) -> LivePane:
            """The pane, for Textual's selectors."""
            return self.pane

    class Chosen(Message):
        """The pane was clicked."""

        def __init__(self, pane: LivePane) -> None:
            super().__init__()
            self.pane = pane

        @property
        def control(self) -> LivePane:
            """The pane, for Textual's selectors."""
            return self.pane

    def __init__(
        self,
        *,
        classify: Callable[[str], str] = log_class,
        marks: Callable[[str], Sequence[tuple[int, int]]] = lambda text: (),
        empty: str = "",
        wraps: bool = False,
        id: str | None = None,
    ) -> None:
        """Make an empty pane.

        Args:
            classify: the colour of a line, one of the component classes after ``live-pane--``.
            marks: where to mark something in a row, from and to which character.
            empty: what an empty log says.
            wraps: whether lines that are wider than the pane are wrapped.
        """
        super().__init__(id=id)
        self._classify = classify
        self._marks = marks
        self._empty = empty
        self._wraps = wraps
        self._tail = LogTail()
        self._drawn = -1
        self._top: int | None = None
        """The line in the first row, None while the end is followed."""

        self._above = 0
        """Rows of that line that are above the first row."""

        self._left = 0
        self._marked: int | None = None
        self._mark = ""
        self._page_first = 0
        self._page: Sequence[str] = ()
        self._asked: int | None = None
        self._seen_of: tuple[object, ...] = ()
        self._seen: list[tuple[int, str]] = []

    @property
    def following(self) -> bool:
        """Whether it shows the end of its log."""
        return self._top is None

    @property
    def wraps(self) -> bool:
        """Whether lines that are wider than the pane are wrapped."""
        return self._wraps

    def show(self, tail: LogTail) -> None:
        """Show another log, from its end; nothing when it is shown already."""
        if tail is self._tail:
            return
        self._tail = tail
        self._drawn = -1
        self._top, self._above, self._left, self._marked = None, 0, 0, None
        self._page, self._asked = (), None
        self.refresh()

    def sync(self) -> None:
        """Draw what came since the last call, if what is seen changed."""
        if self._tail.version != self._drawn:
            self._drawn = self._tail.version
            self.refresh()

    def give(self, tail: LogTail, first: int, lines: Sequence[str]) -> None:
        """Take lines that were wanted."""
        self._asked = None
        if tail is self._tail:
            self._page_first, self._page = first, lines
            self._seen_of = ()
            self.refresh()

    def follow(self, on: bool) -> None:
        """Follow the end from now on, or stay here."""
        self._top, self._above = (None, 0) if on else self._place()
        self._marked = None
        self.refresh()

    def unmark(self) -> None:
        """Highlight no line any more; what is seen stays."""
        self._marked = None
        self.refresh()

    def wrap_lines(self, on: bool) -> None:
        """Wrap lines that are wider than the pane, or cut them; the first line stays the first."""
        self._wraps, self._left, self._above = on, 0, 0
        self.refresh()

    def move(self, rows: int) -> None:
        """Move by rows; at the end it follows."""
        top, above = self._place()
        above += rows
        if not self._wraps:
            top, above = max(0, min(top + above, self._tail.end)), 0
        while above < 0 and top > 0:
            top -= 1
            above += len(self._rows_of(top))
        while top < self._tail.end - 1 and above >= (size := len(self._rows_of(top))):
            top, above = top + 1, above - size
        self._top, self._above = top, max(0, above)
        if len(self._rows_seen()) < self.rows or self._is_last():
            self._top, self._above = None, 0
        self.refresh()

    def scroll_aside(self, cells: int) -> None:
        """Move along long lines; nothing where they are wrapped."""
        if self._wraps:
            return
        longest = max((cell_len(text) for _, text in self._rows_seen()), default=0) + self._left
        last = max(0, longest + 1 - self.size.width)
        self._left = max(0, min(self._left + cells, last))
        self.refresh()

    def to_first(self, first: int = 0) -> None:
        """Show the first line, or the first that there is."""
        self._top, self._above = max(0, min(first, self._tail.end - 1)), 0
        if len(self._rows_seen()) < self.rows and self._top > 0:
            self._top = None
            self._top, self._above = self._place()
        self.refresh()

    def to_last(self) -> None:
        """Show the last line, and follow."""
        self.follow(True)

    def to_line(self, number: int, *, mark: str) -> None:
        """Highlight a line and show it a third down; ``mark`` says in the title what it is."""
        self._marked, self._mark = number, mark
        self._top, self._above, self._left = max(0, number), 0, 0
        self.move(-(self.rows // 3))
        if self._top is None:
            self._top, self._above = self._place()

    def shift(self, number: int, rows: int) -> None:
        """Stay where it is while so many lines come before the one of that number."""
        if self._top is not None and number <= self._top:
            self._top += rows
        if self._marked is not None and number <= self._marked:
            self._marked += rows

    @property
    def first_seen(self) -> int:
        """The number of the line in the first row."""
        return self._place()[0]

    @property
    def marked(self) -> int | None:
        """The number of the line that is highlighted, None for none."""
        return self._marked

    def visible_text(self) -> str:
        """The rows that are seen, cleaned, without the title."""
        return "\n".join(text for _, text in self._rows_seen())

    def render_line(self, y: int) -> Strip:
        """One row: the title, or a line or a part of it."""
        size = self.size  # which Textual looks up anew each time
        width = size.width
        if y == 0:
            return self._title_row(width)
        seen = self._rows_seen(size)
        if y > len(seen):
            nothing = self._empty if y == 1 and not self._tail.end else ""
            return row(nothing, self.style_of("note" if nothing else "text"), width, cut=self.cut)
        number, text = seen[y - 1]
        line = self._line(number)
        if line is None:
            self._want(number)
            return row(" ...", self.style_of("note"), width)
        style = self.style_of("match" if number == self._marked else self._classify(line))
        marks = self._marks(text)
        if marks:
            return self._marked_row(text, marks, style, width)
        # A cell of air, so that panes beside each other can be told apart.
        return row(f" {text}", style, width, cut=self.cut)

    def _marked_row(
        self, text: str, marks: Sequence[tuple[int, int]], style: Style, width: int
    ) -> Strip:
        text, mark = f" {text}", self.style_of("match")
        parts, at = [], 0
        for start, end in marks:
            parts += [(text[at : start + 1], style), (text[start + 1 : end + 1], mark)]
            at = end + 1
        return pieces([*parts, (text[at:], style)], width, style, cut=self.cut)

    async def _on_click(self, _event: events.Click) -> None:
        self.post_message(self.Chosen(self))

    def _title_row(self, width: int) -> Strip:
        title, parts = clean(self.title), self._where()
        # What the pane is comes before what is seen of it.
        while parts and cell_len(f"{title} {', '.join(parts)} ") > width:
            if len(parts) == 1 and len(parts[0]) + 2 <= width // 2:
                break
            parts.pop()
        where = f" {', '.join(parts)} " if parts else ""
        room = max(0, width - len(where))
        return Strip([Segment(fit(title, room, cut=self.cut) + where, self.title_style)], width)

    def _where(self) -> list[str]:
        """Which lines are seen, and what memory has no more; what matters most is first."""
        end = self._tail.end
        parts = []
        if self._marked is not None:
            parts.append(self._mark)
        first, last = self._span()
        if self._top is not None:
            parts.append(f"lines {first + 1}-{last} of {end}")
        elif end > last - first:
            parts.append(count(end, "line"))
        if self._left:
            parts.append(f"column {self._left + 1}")
        if self._tail.missed:
            parts.append(f"{count(self._tail.missed, 'line')} skipped")
        return parts

    def _span(self) -> tuple[int, int]:
        """The first line that is seen, and the one after the last."""
        seen = self._rows_seen()
        return (seen[0][0], seen[-1][0] + 1) if seen else (0, 0)

    def _line(self, number: int) -> str | None:
        line = self._tail.get(number)
        if line is None and 0 <= number - self._page_first < len(self._page):
            line = self._page[number - self._page_first]
        return line

    def _want(self, number: int) -> None:
        """Ask once for the lines around a number."""
        if self._asked is None:
            self._asked = max(0, number - PAGE_LINES // 2)
            self.post_message(self.Wanted(self, self._tail, self._asked))

    def _rows_of(self, number: int, size: Size | None = None) -> list[str]:
        """The rows of a line, cleaned, as they are seen; one where it is not in memory.

        Args:
            size: of the pane, where it is known.
        """
        line = self._line(number) or ""
        width = max(1, (size or self.size).width - 1)
        if self._wraps:
            return wrap(clean(line), width)
        # What is beyond some hundred cells is cut before it costs anything.
        text = clean(line[: (self._left + width) * 8 + 256])
        return [drop_cells(text, self._left)]

    def _place(self) -> tuple[int, int]:
        """The line in the first row, and how many of its rows are above."""
        if self._top is not None:
            return self._top, self._above
        seen = self._rows_seen()
        if not seen:
            return 0, 0
        first = seen[0][0]
        shown = sum(1 for number, _ in seen if number == first)
        return first, len(self._rows_of(first)) - shown

    def _is_last(self) -> bool:
        """Whether the last row of the last line is the last that is seen."""
        last = self._tail.end - 1
        seen = self._rows_seen()
        if not seen or seen[-1][0] != last:
            return not seen
        shown = sum(1 for number, _ in seen if number == last)
        if seen[0][0] == last:
            shown += self._above
        return shown == len(self._rows_of(last))

    def _rows_seen(self, size: Size | None = None) -> list[tuple[int, str]]:
        """The rows that are seen, each with the number of its line.

        Args:
            size: of the pane, where it is known.
        """
        size = size or self.size
        now = (
            id(self._tail),
            self._tail.version,
            self._top,
            self._above,
            self._left,
            self._wraps,
            size,
        )
        if now != self._seen_of:
            self._seen_of = now
            self._seen = (
                self._last_rows(size) if self._top is None else self._rows_from(self._top, size)
            )
        return self._seen

    def _last_rows(self, size: Size) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        number, rows = self._tail.end, self.rows
        while number > 0 and len(found) < rows:
            number -= 1
            found += [(number, text) for text in reversed(self._rows_of(number, size))]
        return found[:rows][::-1]

    def _rows_from(self, top: int, size: Size) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        skip, rows = self._above, self.rows
        for number in range(top, self._tail.end):
            found += [(number, text) for text in self._rows_of(number, size)[skip:]]
            skip = 0
            if len(found) >= rows:
                break
        return found[:rows]
