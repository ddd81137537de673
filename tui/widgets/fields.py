"""Fields of forms: a label that stays, what is typed, and under it what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Paste
from textual.suggester import Suggester
from textual.widgets import Input, Static, TextArea

from engine.text import clean

if TYPE_CHECKING:
    from tui.app_base import AppBase

_AREA_ROWS = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Args:
        label: what it is; stays beside or above what is typed.
        value: the text at first.
        name: what tells it from the others of its form.
        hint: stands in it while it is empty: what that means, or an example.
        choices: what can be picked from a list; anything else can be typed, too.
        many: whether several can be, with commas between.
        is_area: whether it has several lines.
    """

    label: str
    value: str = ""
    name: str = ""
    hint: str = ""
    choices: Sequence[str] = ()
    many: bool = False
    is_area: bool = False


class CleanArea(TextArea):
    """Several lines; control characters of a pasted text are taken out."""

    def on_paste(self, event: Paste) -> None:
        """Clean it, but for tabs: they mean something in sources."""
        lines = event.text.splitlines()
        event.text = "\n".join("\t".join(map(clean, line.split("\t"))) for line in lines)


class LineInput(Input):
    """One line; of a pasted text of several, all are taken, with blanks between."""

    def on_paste(self, event: Paste) -> None:
        """Join its lines: Textual takes the first and drops the others."""
        event.text = " ".join(filter(None, (clean(each).strip() for each in event.text.split())))


class FieldRow(Vertical):
    """A field with its label, and below it what is wrong with it."""

    def __init__(self, field: Field, label_cells: int) -> None:
        """Make a field.

        Args:
            label_cells: width of the label beside it; 0 has the label above it.
        """
        super().__init__(classes="form--field")
        self.field = field
        self._label_cells = label_cells
        self._wrong_text = ""
        self._error = Static("", classes="form--error")
        self.input: LineInput | CleanArea
        if field.is_area:
            self.input = CleanArea(clean(field.value), compact=True, highlight_cursor_line=False)
        else:
            self.input = LineInput(clean(field.value), placeholder=clean(field.hint), compact=True)
        if field.name:
            self.input.id = field.name
        self.offer(field.choices, field.hint)

    def compose(self) -> ComposeResult:
        """Label and field in a row, or one above the other; the error."""
        label = Static(Content(clean(self.field.label)), classes="form--label")
        if not self._label_cells:
            yield label
            yield self.input
        else:
            label.styles.width = self._label_cells
            row = "form--row form--area" if self.field.is_area else "form--row"
            mark = "v" if cast("AppBase", self.app).glyphs.ascii else "▾"
            self._mark = Static(mark if self.choices else "", classes="form--mark")
            with Horizontal(classes=row):
                yield label
                yield self.input
                if not self.field.is_area:
                    yield self._mark
        self._error.display = False
        yield self._error

    @property
    def text(self) -> str:
        """What is typed: of an area as it is, of a line without blanks around it."""
        if isinstance(self.input, TextArea):
            return self.input.text
        return self.input.value.strip()

    def set_text(self, text: str) -> None:
        """Put another text into it."""
        if isinstance(self.input, TextArea):
            self.input.text = clean(text)
        else:
            self.input.value = clean(text)
            self.input.action_end()

    def offer(self, choices: Sequence[str], hint: str) -> None:
        """Have other things be picked, and another hint stand in it while it is empty."""
        self.choices = tuple(choices)
        if isinstance(self.input, LineInput):
            self.input.placeholder = clean(hint)
            self.input.suggester = SuggestNames(self.choices) if choices else None
            if self.is_attached and self._label_cells:
                mark = "v" if cast("AppBase", self.app).glyphs.ascii else "▾"
                self._mark.update(mark if choices else "")

    def show_error(self, message: str) -> None:
        """Say below it what is wrong; an empty message takes that away."""
        self._wrong_text = self.text if message else ""
        self._error.update(Content(clean(message)))
        self._error.display = bool(message)

    def text_changed(self) -> None:
        """Take the error away when what it is about was changed."""
        if self.text != self._wrong_text:
            self.show_error("")


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


def label_cells(fields: Sequence[Field], most: int = 18) -> int:
    """The width of a column of labels, with a blank cell on its right."""
    return min(most, max(len(each.label) for each in fields) + 2)
