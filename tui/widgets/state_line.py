"""The line of state: what is so in the lab now, in parts of several colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from textual.events import Mount
from textual.strip import Strip
from textual.widget import Widget

from engine.text import clean
from tui.presentation.strips import pieces

if TYPE_CHECKING:
    from tui.app_base import AppBase


class StateLine(Widget):
    """One row that says what the app knows of the lab; its texts are untrusted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"state-line--{name}" for name in ("text", "dim", "good", "busy", "bad")
    }

    def _on_mount(self, event: Mount) -> None:
        super()._on_mount(event)
        self.watch(self.app, "lab_state", self._changed)

    def _changed(self) -> None:
        self.refresh()

    def render_line(self, _y: int) -> Strip:
        """The row."""
        app = cast("AppBase", self.app)
        parts, aside = app.lab_state
        width = self.size.width
        said, right = (sum(cell_len(clean(text)) for text, _ in each) for each in app.lab_state)
        blank = width - said - right
        shown = [*parts, (" " * blank, ""), *aside] if blank > 0 else parts
        styled = [
            (text, self.get_component_rich_style(f"state-line--{name or 'text'}"))
            for text, name in shown
        ]
        rest = self.get_component_rich_style("state-line--text")
        return pieces(styled, width, rest, cut=app.glyphs.cut)
