"""Dialogs that ask for a yes or no, or for one of several choices."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.text import clean

# A dialog keeps keys from the app's own bindings, but for those of its own.
_CTRL_C = Binding("ctrl+c", "app.help_quit", "quit", priority=True)


class Confirm(ModalScreen[bool]):
    """A question with its consequence; gives whether a person said yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "yes", priority=True),
        Binding("n,escape,q", "dismiss(False)", "no", priority=True),
        _CTRL_C,
    ]

    def __init__(self, question: str, consequence: str, verb: str) -> None:
        """Make a question.

        Args:
            question: what is asked.
            consequence: what a yes does.
            verb: what a yes is called.
        """
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._verb = verb

    def compose(self) -> ComposeResult:
        """Question, consequence, keys."""
        with Vertical(classes="dialog"):
            yield Static(Content(clean(self._question)), classes="dialog--title")
            yield Static(Content(clean(self._consequence)))
            yield Static(Content(f"y {self._verb}   n no"), classes="dialog--keys")


class Choose(ModalScreen[str | None]):
    """A list of choices; gives the name of the chosen one, None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "none", priority=True),
        _CTRL_C,
    ]

    def __init__(self, question: str, choices: list[tuple[str, str]]) -> None:
        """Make a question.

        Args:
            choices: what is given back, and how it reads.
        """
        super().__init__()
        self._question = question
        self._choices = choices

    def compose(self) -> ComposeResult:
        """Question and choices."""
        with Vertical(classes="dialog"):
            yield Static(Content(clean(self._question)), classes="dialog--title")
            yield OptionList(
                *(Option(Content(clean(text)), id=name) for name, text in self._choices)
            )
            yield Static(Content("enter choose   esc none"), classes="dialog--keys")

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Give what was chosen."""
        self.dismiss(message.option_id)
