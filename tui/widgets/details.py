"""Details of what is chosen: names and values, a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.strip import Strip
from textual.widget import Widget

from tui.presentation.strips import pieces

if TYPE_CHECKING:
    from tui.app_base import AppBase


class Details(Widget):
    """A few rows of ``name  value``; values are untrusted text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"details--name", "details--value"}

    def __init__(self) -> None:
        super().__init__()
        self._details: list[tuple[str, str]] = []
        self._cut = ""

    def on_mount(self) -> None:
        """Learn the sign for what is cut."""
        self._cut = cast("AppBase", self.app).glyphs.cut

    def show(self, details: list[tuple[str, str]]) -> None:
        """Show other details, a name and a value each."""
        if details != self._details:
            self._details = details
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row."""
        name_style = self.get_component_rich_style("details--name")
        value_style = self.get_component_rich_style("details--value")
        parts = []
        if y < len(self._details):
            name, value = self._details[y]
            parts = [(f" {name:<8}", name_style), (value, value_style)]
            if y == self.size.height - 1 < len(self._details) - 1:
                parts.append((f" {self._cut}", value_style))
        return pieces(parts, self.size.width, value_style, cut=self._cut)
