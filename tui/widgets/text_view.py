"""A view of a whole text: source and patches in colour, Markdown laid out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
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

    def render_line(self, y: int) -> Strip:
        """One row: the title, or a line."""
        width = self.size.width
        if y == 0:
            where = self._where()
            title = fit(clean(self.title), max(0, width - len(where))) + where[:width]
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
        return self._lines[number].strip

    def laid_out(self) -> None:
        """The rows are there, of another text or of another width."""
        self.move(0)

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
            parts.append(f"{self._top + 1}-{last}/{len(self._lines)}")
        return f" {', '.join(parts)} " if parts else ""
