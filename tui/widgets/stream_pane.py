"""A pane that shows what a model writes, wrapped to its width, while it is written."""

from __future__ import annotations

from textual.strip import Strip

from engine.text import clean
from tui.presentation.strips import row, wrap
from tui.widgets.live_pane import LivePane


def prose_class(line: str) -> str:
    """The colour for a line of Markdown that is not laid out: headings and fences are notes."""
    return "note" if line.startswith(("#", "```", "~~~", "$ ")) else "text"


class StreamPane(LivePane):
    """A live pane whose lines are as many rows as they need; only what is seen is wrapped."""

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        super().__init__(classify=prose_class, empty=empty, id=id)
        self._below = 0
        """Rows of the top line that are above what is seen."""

        self._seen_of: tuple[object, ...] = ()
        self._seen: list[tuple[int, str]] = []

    def move(self, rows: int) -> None:
        """Move by rows; at the end it follows."""
        top, below = self._place()
        below += rows
        while below < 0 and top > 0:
            top -= 1
            below += len(self._wrapped(top))
        while top < self._tail.end - 1 and below >= (size := len(self._wrapped(top))):
            top, below = top + 1, below - size
        self._top, self._below = top, max(0, below)
        if len(self._rows_seen()) < self.rows or self._is_last():
            self._top = None
        self.refresh()

    def follow(self, on: bool) -> None:
        """Follow the end from now on, or stay here."""
        place = self._place()
        super().follow(on)
        if not on:
            self._top, self._below = place

    def visible_text(self) -> str:
        """The lines that are seen, cleaned and wrapped, without the title."""
        return "\n".join(text for _, text in self._rows_seen())

    def scroll_aside(self, cells: int) -> None:
        """No line is longer than the pane is wide."""

    def to_line(self, number: int, *, mark: str) -> None:
        """Highlight a line and show it a third down."""
        self._marked, self._mark = number, mark
        self._top, self._below = number, 0
        self.move(-(self.rows // 3))

    def render_line(self, y: int) -> Strip:
        """One row: the title, or a part of a line."""
        if y == 0 or not self._tail.end:
            return super().render_line(y)
        width, seen = self.size.width, self._rows_seen()
        if y > len(seen):
            return row("", self.style_of("text"), width)
        number, text = seen[y - 1]
        line = self._line(number)
        if line is None:
            self._want(number)
            return row(" ...", self.style_of("note"), width)
        style = self.style_of("match" if number == self._marked else self._classify(line))
        return row(f" {text}", style, width)

    def _span(self) -> tuple[int, int]:
        seen = self._rows_seen()
        return (seen[0][0], seen[-1][0] + 1) if seen else (0, 0)

    def _go(self, top: int, *, may_follow: bool = True) -> None:
        self._top, self._below = max(0, top), 0
        self.refresh()

    def _place(self) -> tuple[int, int]:
        """The first line that is seen, and how many of its rows are above."""
        if self._top is not None:
            return self._top, self._below
        seen = self._rows_seen()
        if not seen:
            return 0, 0
        first = seen[0][0]
        shown = sum(1 for number, _ in seen if number == first)
        return first, len(self._wrapped(first)) - shown

    def _is_last(self) -> bool:
        """Whether the last row of the last line is the last that is seen."""
        last = self._tail.end - 1
        seen = self._rows_seen()
        shown = sum(1 for number, _ in seen if number == last)
        if seen[0][0] == last:
            shown += self._below
        return shown == len(self._wrapped(last))

    def _rows_seen(self) -> list[tuple[int, str]]:
        """The rows that are seen, each with the number of its line."""
        now = (
            id(self._tail),
            self._tail.version,
            self._top,
            self._below,
            self.size,
            self._page_first,
            len(self._page),
        )
        if now != self._seen_of:
            self._seen_of = now
            self._seen = self._last_rows() if self._top is None else self._rows_from(self._top)
        return self._seen

    def _last_rows(self) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        number = self._tail.end
        while number > 0 and len(found) < self.rows:
            number -= 1
            found = [(number, text) for text in self._wrapped(number)] + found
        return found[-self.rows :]

    def _rows_from(self, top: int) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        skip = self._below
        for number in range(top, self._tail.end):
            found += [(number, text) for text in self._wrapped(number)[skip:]]
            skip = 0
            if len(found) >= self.rows:
                break
        return found[: self.rows]

    def _wrapped(self, number: int) -> list[str]:
        return wrap(clean(self._line(number) or ""), max(1, self.size.width - 1))
