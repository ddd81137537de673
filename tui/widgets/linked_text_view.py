"""A page of Markdown whose links can be followed, and in which a text can be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.message import Message
from textual.strip import Strip

from tui.presentation.text_renderer import Line, Link
from tui.widgets.text_view import MARGIN_CELLS, TextView, painted


@dataclass(frozen=True, slots=True)
class Begin:
    """Where a page is opened.

    Args:
        row: the first row that is seen.
        anchor: of the heading that is seen first; empty for the row.
        match: 1 for the first match, -1 for the last one, 0 for the row.
    """

    row: int = 0
    anchor: str = ""
    match: int = 0


@dataclass(frozen=True, slots=True)
class _Target:
    """A link of the page: where it leads, and which cells of which rows it takes."""

    to: str
    parts: tuple[tuple[int, Link], ...]

    @property
    def row(self) -> int:
        return self.parts[0][0]


class LinkedTextView(TextView):
    """A page that is read with keys: from link to link, and from match to match."""

    LINKS = True
    MAX_CELLS = 100
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-view--target",
        "text-view--target-focus",
        "text-view--match",
    }

    class Followed(Message):
        """A link was clicked."""

        def __init__(self, view: LinkedTextView, target: str) -> None:
            super().__init__()
            self.view = view
            self.target = target

        @property
        def control(self) -> LinkedTextView:
            """The page, for Textual's selectors."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._targets: list[_Target] = []
        self._chosen = -1
        self._begin: Begin | None = None
        self._row_count = 0

    @property
    def top(self) -> int:
        """The first row that is seen."""
        return self._top

    @property
    def link(self) -> str:
        """Where the chosen link leads; empty when none is chosen."""
        return self._targets[self._chosen].to if 0 <= self._chosen < len(self._targets) else ""

    def open(self, text: str, name: str, begin: Begin) -> None:
        """Show another text, or another place of the same.

        Args:
            name: its file's name.
        """
        self._begin = begin
        if (text, name) == (self.text, self.file_name):
            self._go_to_begin()
            return
        self._chosen = self._match = -1
        self.show(text, name)

    def next_link(self, step: int) -> bool:
        """Choose the next link, or with -1 the one before; False when the page has none."""
        if not self._targets:
            return False
        seen = [
            number
            for number, each in enumerate(self._targets)
            if self._top <= each.row < self._top + self.rows
        ]
        if self._chosen in seen or not seen:
            self._chosen = (self._chosen + step) % len(self._targets)
        else:
            self._chosen = seen[0 if step > 0 else -1]
        self.show_row(self._targets[self._chosen].row)
        return True

    def strip_of(self, number: int) -> Strip:
        """A row with its links, the chosen one, and what matches."""
        line = self._lines[number]
        strip = line.strip
        for each in line.links:
            strip = painted(strip, each.begin, each.end, self.style_of("target"))
        if 0 <= self._chosen < len(self._targets):
            for row, part in self._targets[self._chosen].parts:
                if row == number:
                    style = self.style_of("target-focus")
                    strip = painted(strip, part.begin, part.end, style)
        return self.with_matches(strip)

    def render_text(
        self, work: Callable[[], list[Line]], take: Callable[[list[Line]], None]
    ) -> None:
        """Render at once: pages are short, and keys that follow are meant for the new one."""
        take(work())

    def laid_out(self) -> None:
        """Links, matches and the place to begin at are known now."""
        self._targets = list(_targets(self._lines))
        super().laid_out()
        self._go_to_begin()

    async def _on_click(self, event: events.Click) -> None:
        row, cell = self._top + event.y - 1, self._left + event.x - MARGIN_CELLS
        for number, each in enumerate(self._targets):
            if any(at == row and part.begin <= cell < part.end for at, part in each.parts):
                self._chosen = number
                self.refresh()
                self.post_message(self.Followed(self, each.to))

    def _go_to_begin(self) -> None:
        """Once; when only the width has changed, about what was seen before is seen again."""
        begin, self._begin = self._begin, None
        before, self._row_count = self._row_count, len(self._lines)
        if begin is None:
            self._top = self._top * self._row_count // max(1, before)
        elif begin.match:
            self._match = -1 if begin.match > 0 else len(self._lines)
            self.next_match(begin.match)
        else:
            headings = [at for at, line in enumerate(self._lines) if line.anchor == begin.anchor]
            self._top = headings[0] if begin.anchor and headings else begin.row
        self.move(0)


def _targets(lines: list[Line]) -> Iterator[_Target]:
    """The links of rows; parts of one that follow each other are one."""
    to, parts = "", list[tuple[int, Link]]()
    for row, line in enumerate(lines):
        for link in line.links:
            if parts and (link.target != to or row > parts[-1][0] + 1):
                yield _Target(to, tuple(parts))
                parts = []
            to = link.target
            parts.append((row, link))
    if parts:
        yield _Target(to, tuple(parts))
