"""Help: every key that works on the screen below, with the names that settings use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keymap import Key


class HelpScreen(ModalScreen[None]):
    """A table of keys."""

    # Arrows scroll at once. Not by a query when it is mounted: a screen that is left at the same
    # moment, by a quick key or an app that ends, has no widgets then.
    AUTO_FOCUS = "VerticalScroll"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "back", priority=True)
    ]

    def __init__(self, keys: Sequence[tuple[str, Key]]) -> None:
        """Make the help.

        Args:
            keys: the keys of a screen, each with how it is written.
        """
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """The table, scrolled where it is too long."""
        lines = [f"{shown:<8} {key.help}  [{key.id}]" for shown, key in self._keys]
        with Vertical(classes="dialog dialog--wide"):
            yield Static(Content("Keys"), classes="dialog--title")
            with VerticalScroll():
                yield Static(Content("\n".join(lines)))
            yield Static(
                Content("In brackets: the name for [keys] in the settings.   esc back"),
                classes="dialog--keys",
            )
