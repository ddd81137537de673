"""A form for the value of one setting: what is wrong with it is said while it is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from engine.errors import UsageError
from tui.screens.form import Form
from tui.widgets.fields import Field

if TYPE_CHECKING:
    from engine import SettingRow


class SettingForm(Form[tuple[str, object]]):
    """Gives the key with its value as TOML has it, None for no change."""

    VERB: ClassVar[str] = "write"

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

    @property
    def title_text(self) -> str:
        """The key."""
        return self._key

    @property
    def about(self) -> str:
        """What the setting means."""
        return self._row.explanation if self._row is not None else ""

    def fields(self) -> Sequence[Field]:
        """The value."""
        from engine import choices_of

        row, choices = self._row, choices_of(self._key)
        is_shown = row is not None and not row.is_masked
        value = _as_typed(row.value) if row is not None and is_shown else ""
        hint = "" if choices else "several words with commas between make a list"
        return [Field("value", value, "value", hint, choices)]

    def changed(self) -> None:
        """Say what is wrong with what is typed so far."""
        self._value()

    def take(self) -> None:
        """Give the value, if it is valid."""
        found = self._value()
        if found is not None:
            self.dismiss((self._key, found[0]))

    def _value(self) -> tuple[object] | None:
        """The value; None where it is not valid, which is shown."""
        from engine import read_setting, split_key

        try:
            return (read_setting(split_key(self._key), self.typed("value"), self._options),)
        except UsageError as error:
            self.rows["value"].show_error(str(error))
            return None


def _as_typed(value: object) -> str:
    """A value as a person would type it."""
    from engine import toml_text

    if value is None:
        return ""
    return value if isinstance(value, str) else toml_text(value)
