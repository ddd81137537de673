"""A row of what is so now, in parts of several colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from textual.strip import Strip
from textual.widget import Widget

from engine.text import clean
from tui.presentation.strips import pieces
from tui.widgets.row_list import Parts

if TYPE_CHECKING:
    from tui.app_base import AppBase


class StateLine(Widget):
    """One row; its texts are untrusted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"state-line--{name}" for name in ("text", "dim", "good", "busy", "bad")
    }

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[Parts, Parts] = ([], [])

    def show(self, parts: Parts, aside: Parts) -> None:
        """Show other parts: texts, each with the name of its colour or an empty string.

        Args:
            aside: stands at the right end, where there is room for all of it.
        """
        if (parts, aside) != self._parts:
            self._parts = (parts, aside)
            self.refresh()

    def render_line(self, _y: int) -> Strip:
        """The row."""
        parts, aside = self._parts
        width = self.size.width
        said, right = (sum(cell_len(clean(text)) for text, _ in each) for each in self._parts)
        blank = width - said - right
        shown = [*parts, (" " * blank, ""), *aside] if blank > 0 else parts
        styled = [
            (text, self.get_component_rich_style(f"state-line--{name or 'text'}"))
            for text, name in shown
        ]
        cut = cast("AppBase", self.app).glyphs.cut
        return pieces(styled, width, self.get_component_rich_style("state-line--text"), cut=cut)
