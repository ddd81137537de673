"""A list of rows with a cursor that draws only what is seen: quick with any number of items."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, zip_longest
from typing import Any, ClassVar, Generic, Self, TypeVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.presentation.strips import fit, pieces, row
from tui.widgets.base import RowWidget

T = TypeVar("T")

Parts = list[tuple[str, str]]
"""A row: texts (untrusted ones too), each with the name of its colour or an empty string."""


class RowList(RowWidget, Generic[T]):
    """A title row, then items; the cursor stays with its item when items change.

    A row is drawn when it is seen, and kept until the list is refreshed.
    """

    PREFIX = "row-list"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-list--title",
        "row-list--title-focus",
        "row-list--row",
        "row-list--cursor",
        "row-list--cursor-bad",
        "row-list--cursor-blur",
        "row-list--dim",
        "row-list--good",
        "row-list--bad",
        "row-list--busy",
        "row-list--note",
    }

    class Moved(Message):
        """The cursor is on another item."""

        def __init__(self, rows: RowList[Any]) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList[Any]:
            """The list, for Textual's selectors."""
            return self.rows

    class Opened(Message):
        """An item was double-clicked."""

        def __init__(self, rows: RowList[Any]) -> None:
            super().__init__()
            self.rows = rows

    def __init__(
        self,
        *,
        draw: Callable[[T, int], Parts],
        key: Callable[[T], object],
        empty: str = "",
        has_cursor: bool = True,
        head: Callable[[int], Parts] | None = None,
        has_below: Callable[[T], bool] | None = None,
        draw_below: Callable[[T, int], Parts] | None = None,
        id: str | None = None,
    ) -> None:
        """Make a list.

        Args:
            draw: an item as parts of a row of so many cells.
            key: what tells an item from others, however it changes.
            empty: the text of a list without items, in lines.
            has_cursor: whether its cursor is drawn; without, nothing can be chosen with it.
            head: the heads of columns, as parts of a row of so many cells; None for no such row.
            has_below: whether an item has a second row; None where none has.
            draw_below: that row.
        """
        super().__init__(id=id)
        self._draw = draw
        self._key = key
        self._empty = empty
        self._items: Sequence[T] = ()
        self._has_cursor = has_cursor
        self._head = head
        self._has_below = has_below
        self._draw_below = draw_below
        self._cursor = 0
        self._top = 0
        self._firsts: Sequence[int] = range(1)
        """The first row of each item, and how many rows there are."""

        self._strips: dict[int, Strip] = {}
        """Rows that were drawn, by their number; the cursor's is not among them."""

        self._aside = ""

    @property
    def item(self) -> T | None:
        """The item under the cursor."""
        return self._items[self._cursor] if self._items else None

    @property
    def items(self) -> Sequence[T]:
        """The items of the list."""
        return self._items

    @property
    def at_start(self) -> bool:
        """Whether the cursor is on the first item."""
        return not self._cursor

    @property
    def at_end(self) -> bool:
        """Whether the cursor is near the last item: time to load more."""
        return self._cursor >= len(self._items) - max(1, self.rows)

    @property
    def rows(self) -> int:
        """Rows that are seen below the title and the heads."""
        return max(1, self.size.height - self._rows_above)

    @property
    def aside(self) -> str:
        """A text at the right end of the title, where there is room for it."""
        return self._aside

    @aside.setter
    def aside(self, text: str) -> None:
        if text != self._aside:
            self._aside = text
            super().refresh(Region(0, 0, self.size.width, 1))

    def fill(
        self, items: Sequence[T], *, empty: str | None = None, only_changed: bool = False
    ) -> None:
        """Show other items; the cursor stays with its item if it is still there.

        Args:
            only_changed: whether rows of items that are the same objects as before stay as they
                were drawn.
        """
        before, seen, above = self.item, self._seen(), self._rows_above
        top = self._top
        self._items = items
        self._empty = self._empty if empty is None else empty
        if before is not None:
            wanted = self._key(before)
            at = min(self._cursor, max(0, len(items) - 1))
            if not items or self._key(items[at]) != wanted:
                keys = [self._key(item) for item in items]
                at = keys.index(wanted) if wanted in keys else at
            self._cursor = at
        else:
            self._cursor = 0
        self._count_rows()
        self._show_cursor()
        if only_changed and items and self._rows_above == above:
            self._refresh_changed(seen, top)
        else:
            self.refresh()
        if (self.item is None) != (before is None) or (
            before is not None
            and self.item is not None
            and self._key(before) != self._key(self.item)
        ):
            self.post_message(self.Moved(self))

    def select(self, key: object) -> None:
        """Put the cursor on the item with this key, if there is one."""
        for index, item in enumerate(self._items):
            if self._key(item) == key:
                self.move_to(index)
                return

    def move(self, rows: int) -> None:
        """Move the cursor."""
        self.move_to(self._cursor + rows)

    def move_pages(self, pages: int) -> None:
        """Move the cursor by pages, of which one row stays."""
        row = self._firsts[self._cursor] + pages * max(1, self.rows - 1)
        at = self._item_at(max(0, min(row, self._firsts[-1] - 1)))
        self.move_to(at if at != self._cursor else self._cursor + pages)

    def move_to(self, index: int) -> None:
        """Put the cursor on an item by its place."""
        index = max(0, min(index, len(self._items) - 1))
        if index != self._cursor:
            before, top = self._cursor, self._top
            self._cursor = index
            self._show_cursor()
            if self._top == top:
                self._refresh_rows(before)
                self._refresh_rows(index)
            else:
                super().refresh()
            self.post_message(self.Moved(self))

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Draw rows anew: all of them, but for regions."""
        if not regions:
            self._strips.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def refresh_items(self, changed: Callable[[T], bool]) -> None:
        """Draw those items anew that are seen and changed."""
        last = min(self._top + self.rows, self._firsts[-1])
        if last <= self._top:
            return
        for index in range(self._item_at(self._top), self._item_at(last - 1) + 1):
            if changed(self._items[index]):
                self._refresh_rows(index)

    def watch_title(self) -> None:
        """Draw the title row again."""
        super().refresh(Region(0, 0, self.size.width, 1))

    def to_first(self) -> None:
        """Put the cursor on the first item."""
        self.move_to(0)

    def to_last(self) -> None:
        """Put the cursor on the last item."""
        self.move_to(len(self._items) - 1)

    def render_line(self, y: int) -> Strip:
        """One row: the title, the heads, or one of an item."""
        width = self.size.width
        base = self.style_of("row")
        if y == 0:
            return self._title_row(width)
        if self._head is not None and y == 1 and self._items:
            styled = [(text, self.style_of(name or "dim")) for text, name in self._head(width)]
            return pieces(styled, width, base, cut=self.cut)
        at = self._top + y - self._rows_above
        if at >= self._firsts[-1]:
            said = "" if self._items else self._empty_line(y - self._rows_above)
            return row(said, self.style_of("note") if said else base, width, cut=self.cut)
        index = self._item_at(at)
        if self._has_cursor and index == self._cursor:
            return self._item_row(index, at, width, is_chosen=True)
        strip = self._strips.get(at)
        if strip is None:
            strip = self._strips[at] = self._item_row(index, at, width, is_chosen=False)
        return strip

    def _empty_line(self, index: int) -> str:
        lines = self._empty.split("\n")
        return lines[index] if index < len(lines) else ""

    def _title_row(self, width: int) -> Strip:
        aside = cell_len(self._aside)
        if not aside or cell_len(self.title) + 2 + aside > width:
            return row(self.title, self.title_style, width, cut=self.cut)
        return row(fit(self.title, width - aside) + self._aside, self.title_style, width)

    def _item_row(self, index: int, at: int, width: int, *, is_chosen: bool) -> Strip:
        item = self._items[index]
        is_first = at == self._firsts[index]
        if is_first or self._draw_below is None:
            parts = self._draw(item, width)
        else:
            parts = self._draw_below(item, width)
        base = self.style_of("row")
        if is_chosen:
            cursor = self.style_of("cursor" if self.has_focus else "cursor-blur")
            chosen = [(text, self._chosen_style(cursor, name)) for text, name in parts]
            return pieces(chosen, width, cursor, cut=self.cut)
        styled = [(text, self.style_of(name) if name else base) for text, name in parts]
        return pieces(styled, width, base, cut=self.cut)

    def _chosen_style(self, cursor: Style, name: str) -> Style:
        """The style of a text in the row of the cursor: what is bad stays so, others where it can.

        The row of the cursor of the list that has the focus is light where all else is dark.
        """
        if not self.has_focus:
            return cursor + Style(color=self.style_of(name).color) if name else cursor
        return self.style_of("cursor-bad") if name == "bad" else cursor

    def _on_resize(self, _event: events.Resize) -> None:
        self._show_cursor()
        self.refresh()

    async def _on_click(self, event: events.Click) -> None:
        at = self._top + event.y - self._rows_above
        if event.y >= self._rows_above and at < self._firsts[-1]:
            self.move_to(self._item_at(at))
            if event.chain == 2:
                self.post_message(self.Opened(self))

    @property
    def _rows_above(self) -> int:
        """Rows above those of the items: the title, and the heads where there are any items."""
        return 1 if self._head is None or not self._items else 2

    def _count_rows(self) -> None:
        if self._has_below is None:
            self._firsts = range(len(self._items) + 1)
            return
        counts = (2 if self._has_below(item) else 1 for item in self._items)
        self._firsts = list(accumulate(counts, initial=0))

    def _item_at(self, row: int) -> int:
        """Which item has this row."""
        return bisect_right(self._firsts, row) - 1

    def _seen(self) -> list[tuple[int, bool, bool]]:
        """What each row that is seen shows.

        The identity of its item, whether it is the first of that item, and under the cursor.
        """
        found = []
        for at in range(self._top, min(self._top + self.rows, self._firsts[-1])):
            index = self._item_at(at)
            is_first = at == self._firsts[index]
            found.append((id(self._items[index]), is_first, index == self._cursor))
        return found

    def _refresh_changed(self, seen: Sequence[tuple[int, bool, bool]], top: int) -> None:
        """Draw those rows anew that show something else than what was seen from a top row on."""
        strips, self._strips = self._strips, {}
        for y, (before, now) in enumerate(zip_longest(seen, self._seen())):
            if before != now:
                super().refresh(Region(0, y + self._rows_above, self.size.width, 1))
            elif (strip := strips.get(top + y)) is not None:
                self._strips[self._top + y] = strip

    def _refresh_rows(self, index: int) -> None:
        first, last = self._firsts[index], self._firsts[index + 1]
        for at in range(first, last):
            self._strips.pop(at, None)
        top = max(self._rows_above, first - self._top + self._rows_above)
        bottom = last - self._top + self._rows_above
        if top < min(bottom, self.size.height):
            super().refresh(Region(0, top, self.size.width, bottom - top))

    def _show_cursor(self) -> None:
        if not self._items:
            self._top = 0
            return
        rows, first, last = self.rows, self._firsts[self._cursor], self._firsts[self._cursor + 1]
        self._top = max(min(self._top, first), last - rows, 0)
        self._top = min(self._top, max(0, self._firsts[-1] - rows), first)
