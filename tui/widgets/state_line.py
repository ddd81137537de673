"""A row of what is so now, in parts of several colours."""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip
from textual.widget import Widget

from tui.presentation.strips import pieces
from tui.widgets.row_list import Parts


class StateLine(Widget):
    """One row; its texts are untrusted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"state-line--{name}" for name in ("text", "dim", "good", "busy", "bad")
    }

    def __init__(self) -> None:
        super().__init__()
        self._parts: Parts = []

    def show(self, parts: Parts) -> None:
        """Show other parts: texts, each with the name of its colour or an empty string."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def render_line(self, _y: int) -> Strip:
        """The row."""
        styled = [
            (text, self.get_component_rich_style(f"state-line--{name or 'text'}"))
            for text, name in self._parts
        ]
        return pieces(styled, self.size.width, self.get_component_rich_style("state-line--text"))
