"""A list of rows with a cursor that draws only what is seen: quick with any number of items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.message import Message
from textual.strip import Strip

from tui.presentation.strips import pieces, row
from tui.widgets.base import RowWidget

T = TypeVar("T")

Parts = list[tuple[str, str]]
"""A row: texts (untrusted ones too), each with the name of its colour or an empty string."""


class RowList(RowWidget, Generic[T]):
    """A title row, then items; the cursor stays with its item when items change."""

    PREFIX = "row-list"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-list--title",
        "row-list--title-focus",
        "row-list--row",
        "row-list--cursor",
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
        id: str | None = None,
    ) -> None:
        """Make a list.

        Args:
            draw: an item as parts of a row of so many cells.
            key: what tells an item from others, however it changes.
            empty: the text of a list without items.
            has_cursor: whether its cursor is drawn; without, nothing can be chosen with it.
        """
        super().__init__(id=id)
        self._draw = draw
        self._key = key
        self._empty = empty
        self._items: Sequence[T] = ()
        self._has_cursor = has_cursor
        self._cursor = 0
        self._top = 0

    @property
    def item(self) -> T | None:
        """The item under the cursor."""
        return self._items[self._cursor] if self._items else None

    @property
    def items(self) -> Sequence[T]:
        """The items of the list."""
        return self._items

    @property
    def at_end(self) -> bool:
        """Whether the cursor is near the last item: time to load more."""
        return self._cursor >= len(self._items) - max(1, self.rows)

    def fill(self, items: Sequence[T], *, empty: str | None = None) -> None:
        """Show other items; the cursor stays with its item if it is still there."""
        before = self.item
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
        self._show_cursor()
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

    def move_to(self, index: int) -> None:
        """Put the cursor on an item by its place."""
        index = max(0, min(index, len(self._items) - 1))
        if index != self._cursor:
            self._cursor = index
            self._show_cursor()
            self.refresh()
            self.post_message(self.Moved(self))

    def to_first(self) -> None:
        """Put the cursor on the first item."""
        self.move_to(0)

    def to_last(self) -> None:
        """Put the cursor on the last item."""
        self.move_to(len(self._items) - 1)

    def render_line(self, y: int) -> Strip:
        """One row: the title, or an item."""
        width = self.size.width
        if y == 0:
            return row(self.title, self.title_style, width)
        index = self._top + y - 1
        base = self.style_of("row")
        if index >= len(self._items):
            if y == 1 and not self._items:
                return row(self._empty, self.style_of("note"), width)
            return row("", base, width)
        parts = self._draw(self._items[index], width)
        if self._has_cursor and index == self._cursor:
            name = "cursor" if self.has_focus else "cursor-blur"
            cursor = self.style_of(name)
            return pieces([(text, cursor) for text, _ in parts], width, cursor)
        styled = [(text, self.style_of(name) if name else base) for text, name in parts]
        return pieces(styled, width, base)

    def _on_resize(self, _event: events.Resize) -> None:
        self._show_cursor()
        self.refresh()

    async def _on_click(self, event: events.Click) -> None:
        if event.y > 0 and self._top + event.y - 1 < len(self._items):
            self.move_to(self._top + event.y - 1)
            if event.chain == 2:
                self.post_message(self.Opened(self))

    def _show_cursor(self) -> None:
        rows = self.rows
        self._top = min(self._top, self._cursor)
        self._top = max(self._top, self._cursor - rows + 1, 0)
        self._top = min(self._top, max(0, len(self._items) - rows))
