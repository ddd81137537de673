"""The base of widgets that draw their rows themselves: title, focus, wheel, cached styles."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.style import Style
from textual import events
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from tui.app_base import AppBase

WHEEL_ROWS = 3
"""How far a notch of the mouse wheel moves."""


class RowWidget(Widget, can_focus=True):
    """A title row and rows below it; ``PREFIX`` begins the names of its component classes."""

    PREFIX: ClassVar[str]
    ALLOW_SELECT = False

    title = reactive("", layout=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._styles_of: dict[str, Style] = {}
        self.cut = ""
        """The sign at the end of a row that goes on beyond it."""

    def _on_mount(self, event: events.Mount) -> None:
        super()._on_mount(event)
        self.cut = cast("AppBase", self.app).glyphs.cut

    def move(self, rows: int) -> None:
        """Move by rows."""
        raise NotImplementedError

    def scroll_aside(self, cells: int) -> None:
        """Move along long lines; nothing where each is cut or wrapped."""

    def move_pages(self, pages: int) -> None:
        """Move by pages, of which one row stays."""
        self.move(pages * max(1, self.rows - 1))

    def to_first(self) -> None:
        """Go to the first row."""
        raise NotImplementedError

    def to_last(self) -> None:
        """Go to the last row."""
        raise NotImplementedError

    @property
    def rows(self) -> int:
        """Rows that are seen below the title."""
        return max(1, self.size.height - 1)

    def style_of(self, name: str) -> Style:
        """The style of a component class, without its prefix."""
        style = self._styles_of.get(name)
        if style is None:
            style = self.get_component_rich_style(f"{self.PREFIX}--{name}")
            self._styles_of[name] = style
        return style

    @property
    def title_style(self) -> Style:
        """The style of the title, which tells whether the widget has the focus."""
        return self.style_of("title-focus" if self.has_focus else "title")

    def notify_style_update(self) -> None:
        """Look colours up anew: they changed."""
        self._styles_of = {}
        super().notify_style_update()

    def watch_title(self) -> None:
        """Draw the title row again."""
        self.refresh()

    def _on_focus(self, event: events.Focus) -> None:
        super()._on_focus(event)
        self.refresh()

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self.refresh()

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(WHEEL_ROWS)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-WHEEL_ROWS)
