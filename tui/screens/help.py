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

from tui.keymap import Key, Where


class HelpScreen(ModalScreen[bool]):
    """A table of keys; says whether the guide is wanted."""

    # Arrows scroll at once. Not by a query when it is mounted: a screen that is left at the same
    # moment, by a quick key or an app that ends, has no widgets then.
    AUTO_FOCUS = "VerticalScroll"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss(False)", "back", priority=True),
        # The id of the screens' key: one that a person chose works here, too.
        Binding("H", "dismiss(True)", "guide", id=f"{Where.HOME}.guide", priority=True),
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
        guide = next(shown for shown, key in self._keys if key.id == "guide")
        with Vertical(classes="dialog dialog--wide"):
            yield Static(Content("Keys"), classes="dialog--title")
            with VerticalScroll():
                yield Static(Content("\n".join(lines)))
            yield Static(
                Content(
                    f"In brackets: the name for [keys] in the settings.   {guide} guide   esc back"
                ),
                classes="dialog--keys",
            )
