"""A form that asks a person for a few lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.text import clean
from tui.widgets.fields import Field, FieldRow

__all__ = ["Ask", "Field"]


class Ask(ModalScreen[tuple[str, ...] | None]):
    """A form; enter and ctrl+s give what was typed, a text a field, escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", priority=True),
        Binding("ctrl+s", "take", "take", priority=True),
        Binding("ctrl+c", "app.help_quit", "quit", priority=True),
    ]

    def __init__(self, title: str, consequence: str, fields: Sequence[Field], verb: str) -> None:
        """Make a form.

        Args:
            title: what is asked for.
            consequence: what comes of it, empty for nothing.
            fields: what can be typed; each label stands above its field.
            verb: what enter does, in a word.
        """
        super().__init__()
        self._title = title
        self._consequence = consequence
        self._rows = [FieldRow(each, 0) for each in fields]
        self._verb = verb

    def compose(self) -> ComposeResult:
        """Title, consequence, fields, keys."""
        with Vertical(classes="dialog"):
            yield Static(Content(clean(self._title)), classes="dialog--title")
            if self._consequence:
                yield Static(Content(clean(self._consequence)), classes="dialog--text")
            yield from self._rows
            more = "   tab next" if len(self._rows) > 1 else ""
            yield Static(Content(f"enter {self._verb}{more}   esc leave"), classes="dialog--keys")

    def on_input_submitted(self) -> None:
        """Give what was typed."""
        self.action_take()

    def action_take(self) -> None:
        """Give what was typed."""
        self.dismiss(tuple(row.text for row in self._rows))
