"""A pane that shows a log while it grows, and goes back in time.

The newest lines come from a bounded tail in memory, older ones from the log store by range. Only
what is seen is cleaned, coloured and drawn, one segment a row: a flood costs no more than its
newest screenful, ten times a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from engine.text import clean
from tui.presentation.strips import fit, pieces, row
from tui.state.log_tail import LogTail
from tui.widgets.base import RowWidget

GUTTER_CELLS = 10
"""Cells before a line of source: its number, and a sign for the one that is meant."""

PAGE_LINES = 400
"""Lines that are asked of the store at once."""

_CLASSIFIED_CHARACTERS = 400
"""Characters of a line that decide its colour."""

# esp_log.h's LOG_FORMAT begins a line with its level; Unity puts the outcome after colons.
_BAD = re.compile(
    r"^E \(|Guru Meditation|:FAIL\b|\b(?:fatal )?error\b|^FAILED:|\babort\(\)|Brownout|panic'ed",
    re.IGNORECASE,
)
_WARNING = re.compile(r"^W \(|\bwarning\b|:IGNORE\b", re.IGNORECASE)
_GOOD = re.compile(r":PASS\b|^OK$|\bHash of data verified|\b0 Failures\b")


def log_class(line: str) -> str:
    """The colour for a line of a log: error, warning, good, note or text."""
    line = line[:_CLASSIFIED_CHARACTERS]
    if _GOOD.search(line):
        return "good"
    if _BAD.search(line):
        return "error"
    if _WARNING.search(line):
        return "warning"
    return "note" if line.startswith("$ ") else "text"


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
        id: str | None = None,
    ) -> None:
        """Make an empty pane.

        Args:
            classify: the colour of a line, one of the component classes after ``live-pane--``.
            marks: where to mark something in a line, from and to which character.
            empty: what an empty log says.
        """
        super().__init__(id=id)
        self._classify = classify
        self._marks = marks
        self._empty = empty
        self._tail = LogTail()
        self._drawn = -1
        self._top: int | None = None
        self._left = 0
        self._marked: int | None = None
        self._mark = ""
        self._page_first = 0
        self._page: Sequence[str] = ()
        self._asked: int | None = None

    @property
    def following(self) -> bool:
        """Whether it shows the end of its log."""
        return self._top is None

    def show(self, tail: LogTail) -> None:
        """Show another log, from its end; nothing when it is shown already."""
        if tail is self._tail:
            return
        self._tail = tail
        self._drawn = -1
        self._top, self._left, self._marked = None, 0, None
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
            self.refresh()

    def follow(self, on: bool) -> None:
        """Follow the end from now on, or stay here."""
        self._top = None if on else self._first()
        self._marked = None
        self.refresh()

    def move(self, rows: int) -> None:
        """Move by lines; at the end it follows."""
        self._go(self._first() + rows)

    def scroll_aside(self, cells: int) -> None:
        """Move along long lines."""
        first = self._first()
        lines = (self._line(number) or "" for number in range(first, first + self.rows))
        longest = max(len(line) for line in lines)
        last = max(0, longest + 1 - self.size.width)
        self._left = max(0, min(self._left + cells, last))
        self.refresh()

    def to_first(self, first: int = 0) -> None:
        """Show the first line, or the first that there is."""
        self._go(first, may_follow=False)

    def to_last(self) -> None:
        """Show the last line, and follow."""
        self.follow(True)

    def to_line(self, number: int, *, mark: str) -> None:
        """Highlight a line and show it a third down; ``mark`` says in the title what it is."""
        self._marked, self._mark = number, mark
        self._left = 0
        self._go(number - self.rows // 3, may_follow=False)

    def visible_text(self) -> str:
        """The lines that are seen, cleaned, without the title."""
        first = self._first()
        lines = (self._line(number) for number in range(first, first + self.rows))
        return "\n".join(clean(line) for line in lines if line is not None)

    def render_line(self, y: int) -> Strip:
        """One row: the title, or a line."""
        width = self.size.width
        if y == 0:
            return self._title_row(width)
        number = self._first() + y - 1
        if number >= self._tail.end:
            nothing = self._empty if y == 1 and not self._tail.end else ""
            return row(nothing, self.style_of("note" if nothing else "text"), width)
        line = self._line(number)
        if line is None:
            self._want(number)
            return row(" ...", self.style_of("note"), width)
        style = self.style_of("match" if number == self._marked else self._classify(line))
        if self._left:
            line = clean(line)[self._left :]
        marks = self._marks(clean(line[: 8 * width]))
        if marks:
            return self._marked_row(line, marks, style, width)
        # A cell of air, so that panes beside each other can be told apart.
        return row(f" {line}", style, width, cut=self.cut)

    def _marked_row(
        self, line: str, marks: Sequence[tuple[int, int]], style: Style, width: int
    ) -> Strip:
        text, mark = f" {clean(line[: 8 * width])}", self.style_of("match")
        parts, at = [], 0
        for start, end in marks:
            parts += [(text[at : start + 1], style), (text[start + 1 : end + 1], mark)]
            at = end + 1
        return pieces([*parts, (text[at:], style)], width, style)

    async def _on_click(self, _event: events.Click) -> None:
        self.post_message(self.Chosen(self))

    def _title_row(self, width: int) -> Strip:
        style = self.title_style
        where = self._where()
        room = max(0, width - len(where))
        return Strip([Segment(fit(clean(self.title), room) + where[:width], style)], width)

    def _where(self) -> str:
        """Which lines are seen, and what memory has no more."""
        end = self._tail.end
        parts = []
        if self._marked is not None:
            parts.append(self._mark)
        if self._left:
            parts.append(f"+{self._left}")
        if self._tail.missed:
            parts.append(f"{self._tail.missed} skipped")
        first, last = self._span()
        if self._top is not None:
            parts.append(f"{first + 1}-{last}/{end}")
        elif end > last - first:
            parts.append(str(end))
        return f" {', '.join(parts)} " if parts else ""

    def _span(self) -> tuple[int, int]:
        """The first line that is seen, and the one after the last."""
        first = self._first()
        return first, min(self._tail.end, first + self.rows)

    def _first(self) -> int:
        end = max(0, self._tail.end - self.rows)
        return end if self._top is None else min(self._top, end)

    def _line(self, number: int) -> str | None:
        line = self._tail.get(number)
        if line is None and 0 <= number - self._page_first < len(self._page):
            line = self._page[number - self._page_first]
        return line

    def _go(self, top: int, *, may_follow: bool = True) -> None:
        end = max(0, self._tail.end - self.rows)
        self._top = None if may_follow and top >= end else max(0, min(top, end))
        self.refresh()

    def _want(self, number: int) -> None:
        """Ask once for the lines around a number."""
        if self._asked is None:
            self._asked = max(0, number - PAGE_LINES // 2)
            self.post_message(self.Wanted(self, self._tail, self._asked))
