"""The base of the forms for adding and for changing a project: their lines, and suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from engine.enums import TARGETS
from engine.text import clean
from tui.cli.common import split_names

if TYPE_CHECKING:
    from engine import Engine
    from tui.app_base import AppBase

T = TypeVar("T")


class SuggestNames(Suggester):
    """Completes the last of several names that are separated by commas."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(use_cache=False)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        """The whole value with its last name completed; None where there is nothing to suggest."""
        before, comma, last = value.rpartition(",")
        begun = last.lstrip()
        space = last[: len(last) - len(begun)]
        found = next((name for name in self._names if begun and name.startswith(begun)), None)
        return f"{before}{comma}{space}{found}" if found else None


class ProjectForm(ModalScreen[T | None], Generic[T]):
    """Lines of a form; enter takes it, escape leaves. What is wrong is said in its last row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", priority=True)
    ]
    VERB: ClassVar[str]
    """What enter does, in a word."""

    @property
    def engine(self) -> Engine:
        """The engine, open."""
        engine = cast("AppBase", self.app).engine
        assert engine is not None
        return engine

    @property
    def title_text(self) -> str:
        """The title of the form."""
        raise NotImplementedError

    def lines(self) -> Sequence[Horizontal]:
        """Its lines, by :meth:`line`."""
        raise NotImplementedError

    def take(self) -> None:
        """Do what the form asks for."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The form."""
        with Vertical(classes="dialog"):
            yield Static(Content(clean(self.title_text)), classes="dialog--title")
            yield from self.lines()
            yield Static("", id="problem", classes="dialog--problem")
            keys = f"enter {self.VERB}   tab next   esc leave"
            yield Static(Content(keys), classes="dialog--keys")

    def on_mount(self) -> None:
        """Suggest chips: they are known without the sources."""
        self.suggest("target", TARGETS)

    def on_input_submitted(self) -> None:
        """Do what the form asks for."""
        self.take()

    def line(self, label: str, name: str, empty: str, value: str = "") -> Horizontal:
        """One line.

        Args:
            label: what it is.
            name: its id.
            empty: the placeholder.
            value: the text at first.
        """
        field = Input(clean(value), placeholder=clean(empty), id=name, compact=True)
        return Horizontal(Static(label, classes="form--label"), field, classes="form--row")

    def suggest(self, name: str, words: Sequence[str]) -> None:
        """Suggest words in a line."""
        self.query_one(f"#{name}", Input).suggester = SuggestNames(words)

    def typed(self, name: str) -> str:
        """The text of a line."""
        return self.query_one(f"#{name}", Input).value.strip()

    def chips(self) -> list[str]:
        """The chips that are typed, each once."""
        return split_names(self.typed("target").replace(" ", ","))

    def show_problem(self, message: str) -> None:
        """Show in the last row what is wrong, or what is being done."""
        self.query_one("#problem", Static).update(Content(clean(message)))
