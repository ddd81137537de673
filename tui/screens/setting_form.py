"""A form for the value of one setting: what is wrong with it is said while it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from engine.errors import UsageError
from engine.text import clean

if TYPE_CHECKING:
    from engine import SettingRow


class SettingForm(ModalScreen[tuple[str, object] | None]):
    """Gives the key with its value as TOML has it, None for no change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "leave", priority=True)
    ]

    def __init__(
        self,
        key: str,
        row: SettingRow | None,
        options: Mapping[str, Mapping[str, object] | None],
    ) -> None:
        """Make a form.

        Args:
            key: dotted, as the file has it.
            row: the setting as it is; None for one that is not listed.
            options: own settings of each check with their defaults, by its name.
        """
        super().__init__()
        self._key = key
        self._row = row
        self._options = options

    def compose(self) -> ComposeResult:
        """Key, explanation, value, what is wrong."""
        from engine import choices_of

        row = self._row
        choices = choices_of(self._key)
        with Vertical(classes="dialog"):
            yield Static(Content(clean(self._key)), classes="dialog--title")
            if row is not None and row.explanation:
                yield Static(Content(clean(row.explanation)), classes="dialog--text")
            yield Input(
                clean(_as_typed(row.value)) if row is not None and not row.is_masked else "",
                placeholder=" or ".join(choices) or "value; of a list, words between commas",
                suggester=SuggestFromList(choices) if choices else None,
                compact=True,
            )
            yield Static("", id="problem", classes="dialog--problem")
            yield Static(Content("enter write   esc leave"), classes="dialog--keys")

    def on_input_changed(self, message: Input.Changed) -> None:
        """Say what is wrong with what is typed so far."""
        try:
            self._value(message.value)
        except UsageError as error:
            self._show_problem(str(error))
        else:
            self._show_problem("")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Give the value, if it makes sense."""
        try:
            self.dismiss((self._key, self._value(message.value)))
        except UsageError as error:
            self._show_problem(str(error))

    def _value(self, text: str) -> object:
        from engine import read_setting, split_key

        return read_setting(split_key(self._key), text, self._options)

    def _show_problem(self, text: str) -> None:
        self.query_one("#problem", Static).update(Content(clean(text)))


def _as_typed(value: object) -> str:
    """A value as a person would type it."""
    from engine import toml_text

    if value is None:
        return ""
    return value if isinstance(value, str) else toml_text(value)
