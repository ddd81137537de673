"""A list above a form, to pick one thing from, or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.text import clean
from tui.widgets.row_list import Parts, RowList

_LIST_ROWS = 12
_FRAME_ROWS = 8
"""Rows that are not for the list: frame, title, keys, and one below for messages."""


class Pick(ModalScreen["Sequence[str] | None"]):
    """Names; enter gives the one of the cursor. Of several, space marks and enter gives those."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "leave", priority=True),
        Binding("enter", "take", "take", priority=True),
        Binding("space", "mark", "mark", priority=True),
        Binding("j,down", "move(1)", "down", priority=True),
        Binding("k,up", "move(-1)", "up", priority=True),
        Binding("pagedown,ctrl+d", "pages(1)", "page down", priority=True),
        Binding("pageup,ctrl+u", "pages(-1)", "page up", priority=True),
        Binding("g,home", "first", "first", priority=True),
        Binding("G,end", "last", "last", priority=True),
        Binding("ctrl+c", "app.help_quit", "quit", priority=True),
    ]

    def __init__(
        self, title: str, names: Sequence[str], marked: Sequence[str] = (), *, many: bool = False
    ) -> None:
        """Make a list.

        Args:
            title: what is picked.
            names: one or more.
            marked: those that are chosen already, in their order.
            many: whether several can be picked.
        """
        super().__init__()
        self._title = title
        self._names = names
        self._marked = [each for each in marked if each in names]
        self._many = many
        self._rows: RowList[str] = RowList(draw=self._draw, key=lambda name: name)

    def compose(self) -> ComposeResult:
        """Title, names, keys."""
        with Vertical(classes="dialog"):
            yield self._rows
            keys = "space mark   enter take" if self._many else "enter take"
            yield Static(Content(f"{keys}   esc leave"), classes="dialog--keys")

    def on_mount(self) -> None:
        """Show them, with the cursor on the first that is chosen."""
        self._show_title()
        self._rows.fill(self._names)
        if self._marked:
            self._rows.select(self._marked[0])
        self.set_focus(self._rows)

    def on_resize(self, event: Resize) -> None:
        """As many rows as there is room for."""
        rows = min(_LIST_ROWS, len(self._names), event.size.height - _FRAME_ROWS)
        self._rows.styles.height = 1 + max(1, rows)

    def on_row_list_opened(self) -> None:
        """A double click is enough."""
        self.action_take()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._rows.move(rows)

    def action_pages(self, pages: int) -> None:
        """Move the cursor by pages."""
        self._rows.move_pages(pages)

    def action_first(self) -> None:
        """Put the cursor on the first."""
        self._rows.to_first()

    def action_last(self) -> None:
        """Put the cursor on the last."""
        self._rows.to_last()

    def action_mark(self) -> None:
        """Mark the name of the cursor, or not, and go to the next."""
        name = self._rows.item
        if self._many and name is not None:
            if name in self._marked:
                self._marked.remove(name)
            else:
                self._marked.append(name)
            self._show_title()
            self._rows.move(1)

    def action_take(self) -> None:
        """Give what is marked, else the one of the cursor."""
        name = self._rows.item
        if self._many and self._marked:
            self.dismiss(list(self._marked))
        else:
            self.dismiss([name] if name is not None else None)

    def _show_title(self) -> None:
        marked = f": {', '.join(self._marked)}" if self._many and self._marked else ""
        self._rows.title = clean(f" {self._title}{marked}")
        self._rows.refresh()

    def _draw(self, name: str, _width: int) -> Parts:
        if not self._many:
            return [(f" {name}", "")]
        return [(f" [{'x' if name in self._marked else ' '}] ", ""), (name, "")]
