"""Names and values, a row each."""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip
from textual.widget import Widget

from tui.presentation.strips import pieces


class Facts(Widget):
    """A few rows of ``name  value``; values are untrusted text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"facts--name", "facts--value"}

    def __init__(self) -> None:
        super().__init__()
        self._facts: list[tuple[str, str]] = []

    def show(self, facts: list[tuple[str, str]]) -> None:
        """Show other facts."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of them."""
        name_style = self.get_component_rich_style("facts--name")
        value_style = self.get_component_rich_style("facts--value")
        parts = []
        if y < len(self._facts):
            name, value = self._facts[y]
            parts = [(f" {name:<8}", name_style), (value, value_style)]
        return pieces(parts, self.size.width, value_style)
