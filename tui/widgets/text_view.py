"""A view of a whole text: source and patches in colour, Markdown laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from engine.text import clean
from tui.presentation.strips import fit
from tui.presentation.text_renderer import STYLES, Line, Paper, render
from tui.widgets.base import RowWidget

if TYPE_CHECKING:
    from tui.app_base import AppBase

MARGIN_CELLS = 1
"""Left free on the left, so that panes beside each other can be told apart."""


class TextView(RowWidget):
    """A title row, then the text. It is laid out in a thread; until then the one before stands."""

    PREFIX = "text-view"
    LINKS: ClassVar[bool] = False
    """Whether links are to be followed: else they are written out."""

    MAX_CELLS: ClassVar[int] = 1_000
    """Cells of a line of Markdown at the most, however wide the screen is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-view--title",
        "text-view--title-focus",
        "text-view--match",
        *(f"text-view--{name}" for name in STYLES),
    }

    class Chosen(Message):
        """The view was clicked."""

        def __init__(self, view: TextView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> TextView:
            """The view, for Textual's selectors."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = self.file_name = ""
        self._lines: list[Line] = []
        self._laid_out: tuple[str, str, Paper] | None = None
        self._top = 0
        self._left = 0
        self._needle = ""
        self._matches: list[int] = []
        self._match = -1

    @property
    def text(self) -> str:
        """The whole text, as it was given."""
        return self._text

    def show(self, text: str, name: str) -> None:
        """Show another text, from its beginning.

        Args:
            name: its file's name, which tells what it is.
        """
        if (text, name) == (self._text, self.file_name):
            return
        self._text, self.file_name = text, name
        self._top = self._left = 0
        self._lay_out()

    def move(self, rows: int) -> None:
        """Move by rows."""
        self._top = max(0, min(self._top + rows, len(self._lines) - self.rows))
        self.refresh()

    def scroll_aside(self, cells: int) -> None:
        """Move along long lines."""
        seen = self._lines[self._top : self._top + self.rows]
        longest = max((line.strip.cell_length for line in seen), default=0)
        last = max(0, longest + MARGIN_CELLS - self.size.width)
        self._left = max(0, min(self._left + cells, last))
        self.refresh()

    def to_first(self) -> None:
        """Show the beginning."""
        self.move(-len(self._lines))

    def to_last(self) -> None:
        """Show the end."""
        self.move(len(self._lines))

    def mark(self, needle: str) -> None:
        """Mark a text wherever it stands, whatever its case; an empty one marks nothing."""
        self._needle = " ".join(needle.split()).casefold()
        self._match = -1
        self._look_for_matches()
        self.refresh()

    def next_match(self, step: int) -> bool:
        """Go to the next row with a match, or with -1 to the one before; False at the end."""
        here = self._match if self._match >= 0 else self._top - (step > 0)
        rows = [row for row in self._matches if (row > here if step > 0 else row < here)]
        if not rows:
            return False
        self._match = rows[0 if step > 0 else -1]
        self.show_row(self._match)
        return True

    @property
    def matches(self) -> int:
        """How many rows have what is marked."""
        return len(self._matches)

    def render_line(self, y: int) -> Strip:
        """One row: the title, or a line."""
        width = self.size.width
        if y == 0:
            where = self._where()
            title = fit(clean(self.title), max(0, width - len(where)), cut=self.cut) + where[:width]
            return Strip([Segment(title, self.title_style)], width)
        number = self._top + y - 1
        if number >= len(self._lines):
            return Strip([Segment(" " * width, self.style_of("text"))], width)
        line = self._lines[number]
        margin = Strip([Segment(" " * MARGIN_CELLS, line.ground)], MARGIN_CELLS)
        text = self.strip_of(number).crop(self._left, self._left + max(0, width - MARGIN_CELLS))
        return Strip.join([margin, text]).adjust_cell_length(width, line.ground)

    def strip_of(self, number: int) -> Strip:
        """A row of the text as it is drawn."""
        return self.with_matches(self._lines[number].strip)

    def with_matches(self, strip: Strip) -> Strip:
        """A row in which what is marked has another style."""
        for begin, end in _found(strip.text, self._needle):
            strip = painted(strip, begin, end, self.style_of("match"))
        return strip

    def laid_out(self) -> None:
        """The rows are there, of another text or of another width."""
        self._look_for_matches()
        self.move(0)

    def show_row(self, row: int) -> None:
        """Move so that a row is seen, with some of what stands around it."""
        if not self._top <= row < self._top + self.rows:
            self._top = max(0, row - self.rows // 3)
        self.move(0)

    def _look_for_matches(self) -> None:
        """Rows with a match; one that goes on in the next row is in the first of the two."""
        rows = [" ".join(line.strip.text.split()).casefold() for line in self._lines]
        self._matches = []
        if self._needle:
            for at, row in enumerate(rows):
                following = rows[at + 1] if at + 1 < len(rows) else ""
                if self._needle in row or (
                    self._needle in f"{row} {following}" and self._needle not in following
                ):
                    self._matches.append(at)

    def notify_style_update(self) -> None:
        """Lay the text out anew: colours changed."""
        super().notify_style_update()
        self._lay_out()

    def _on_resize(self, _event: events.Resize) -> None:
        self._lay_out()
        self.move(0)

    async def _on_click(self, _event: events.Click) -> None:
        self.post_message(self.Chosen(self))

    def _lay_out(self) -> None:
        if not self.file_name or not self.is_attached or not self.size.width:
            return
        text, name = self._text, self.file_name
        is_plain = cast("AppBase", self.app).glyphs.ascii
        styles = {word: self.style_of(word) for word in STYLES}
        width = min(self.size.width - MARGIN_CELLS, self.MAX_CELLS)
        paper = Paper(width, styles, is_plain, self.LINKS)
        wanted = (text, name, paper)
        if self._laid_out == wanted:
            return
        self._laid_out = wanted

        def take(lines: list[Line]) -> None:
            if self._laid_out == wanted:  # or something else is wanted by now
                self._lines = lines
                self.laid_out()

        self.render_text(partial(render, text, name, paper), take)

    def render_text(
        self, work: Callable[[], list[Line]], take: Callable[[list[Line]], None]
    ) -> None:
        """Render in a thread: texts may be long, and are of others."""

        def run() -> None:
            lines = work()
            if self.is_attached:
                self.app.call_from_thread(take, lines)

        self.run_worker(run, thread=True, exclusive=True, exit_on_error=False)

    def _where(self) -> str:
        """Which rows are seen, when not all are."""
        parts = [f"+{self._left}"] if self._left else []
        if len(self._lines) > self.rows:
            last = min(len(self._lines), self._top + self.rows)
            parts.append(f"lines {self._top + 1}-{last} of {len(self._lines)}")
        return f" {', '.join(parts)} " if parts else ""


def _found(text: str, needle: str) -> Iterator[tuple[int, int]]:
    """Cells of a row in which a text stands."""
    folded = text.casefold()
    at = folded.find(needle) if needle and len(folded) == len(text) else -1
    while at >= 0:
        end = at + len(needle)
        yield cell_len(text[:at]), cell_len(text[:end])
        at = folded.find(needle, end)


def painted(strip: Strip, begin: int, end: int, style: Style) -> Strip:
    """A row of which some cells have another style."""
    before, middle, after = strip.divide([begin, end, max(end, strip.cell_length)])
    return Strip.join([before, Strip(Segment.apply_style(list(middle), post_style=style)), after])
