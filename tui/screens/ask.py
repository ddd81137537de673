"""A form that asks a person for a few lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.text import clean


@dataclass(frozen=True, slots=True)
class Field:
    """One line: what stands in it while it is empty, and what it begins with."""

    placeholder: str
    value: str = ""


class Ask(ModalScreen[tuple[str, ...] | None]):
    """A form; enter gives what was typed, a text a field, escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", priority=True)
    ]

    def __init__(self, title: str, consequence: str, fields: Sequence[Field], verb: str) -> None:
        """Make a form.

        Args:
            title: what is asked for.
            consequence: what comes of it, empty for nothing.
            fields: what can be typed.
            verb: what enter does, in a word.
        """
        super().__init__()
        self._title = title
        self._consequence = consequence
        self._fields = fields
        self._verb = verb

    def compose(self) -> ComposeResult:
        """Title, consequence, fields, keys."""
        with Vertical(classes="dialog"):
            yield Static(Content(clean(self._title)), classes="dialog--title")
            if self._consequence:
                yield Static(Content(clean(self._consequence)), classes="dialog--text")
            for field in self._fields:
                yield Input(clean(field.value), placeholder=field.placeholder, compact=True)
            more = "   tab next" if len(self._fields) > 1 else ""
            yield Static(Content(f"enter {self._verb}{more}   esc leave"), classes="dialog--keys")

    def on_input_submitted(self) -> None:
        """Give what was typed."""
        self.dismiss(tuple(each.value.strip() for each in self.query(Input)))
