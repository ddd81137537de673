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

from tui.actions import Action
from tui.keymap import Where, bindings_of


class HelpScreen(ModalScreen[bool]):
    """A table of keys; says whether the guide is wanted."""

    # Arrows scroll at once. Not by a query when it is mounted: a screen that is left at the same
    # moment, by a quick key or an app that ends, has no widgets then.
    AUTO_FOCUS = "VerticalScroll"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss(False)", "back", priority=True),
        *bindings_of(Where.HOME, ("guide",)),
    ]

    def __init__(self, actions: Sequence[Action]) -> None:
        """Make the help of a screen with these actions."""
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        """The table, scrolled where it is too long."""
        keys = [action.key for action in self._actions]
        guide = next(key.shown for key in keys if key.id == "guide")
        lines = [f"{key.shown:<8} {key.help}  [{key.id}]" for key in keys]
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

    def action_do(self, _id: str) -> None:
        """Textual's action of the guide's key."""
        self.dismiss(True)
