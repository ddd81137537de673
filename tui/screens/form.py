"""The base of forms: fields, errors at their fields, lists to pick from, work that can stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from engine.errors import EspdeckError
from engine.text import clean
from tui.theme import LOW_TERMINAL_ROWS
from tui.widgets.fields import CleanArea, Field, FieldRow, LineInput, label_cells

if TYPE_CHECKING:
    from engine import CancelToken, Engine
    from tui.app_base import AppBase

_FRAME_ROWS, _LOW_FRAME_ROWS = 8, 6
"""Rows for frame, title, keys and a line of what is wrong."""

_SAID = ("note", "problem")
"""What stands below the fields."""

T = TypeVar("T")
R = TypeVar("R")


class Form(ModalScreen[T | None], Generic[T]):
    """Fields above each other. Enter in a line and ctrl+s take them, escape leaves.

    What is wrong stands at its field, what is of none in a row below.
    """

    AUTO_FOCUS = "FieldRow Input, FieldRow TextArea"
    VERB: ClassVar[str]
    """What it does when it is taken, in a word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "leave", priority=True),
        Binding("ctrl+s", "take", "take", priority=True),
        Binding("down", "down", "list", priority=True),
        Binding("up", "up", "field before", priority=True),
        Binding("ctrl+c", "app.help_quit", "quit", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._cancel: CancelToken | None = None
        self.rows: dict[str, FieldRow] = {}

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

    @property
    def about(self) -> str:
        """A line or two below the title; empty for none."""
        return ""

    def fields(self) -> Sequence[Field]:
        """Its fields, each with a name of its own."""
        raise NotImplementedError

    def take(self) -> None:
        """Do what the form asks for, by :meth:`work`, or by ``dismiss``."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Title, fields, what is wrong, keys."""
        fields = self.fields()
        cells = label_cells(fields)
        self.rows = {each.name: FieldRow(each, cells) for each in fields}
        with Vertical(classes="dialog dialog--form"):
            yield Static(Content(clean(self.title_text)), classes="dialog--title")
            if self.about:
                yield Static(Content(clean(self.about)), classes="dialog--text")
            with VerticalScroll(id="fields", can_focus=False):
                yield from self.rows.values()
            for name in _SAID:
                line = Static("", id=name, classes=f"dialog--{name}")
                line.display = False
                yield line
            yield Static("", id="keys", classes="dialog--keys")

    def on_mount(self) -> None:
        """Show the keys."""
        self._show_keys()

    def on_resize(self, event: Resize) -> None:
        """Other sizes have other room for the fields."""
        self._share_rows(event.size.height)

    def _share_rows(self, rows: int) -> None:
        """Leave the rows to the fields that nothing else needs.

        Args:
            rows: of the terminal.
        """
        said = sum(self.query_one(f"#{name}").size.height for name in _SAID)
        frame = _LOW_FRAME_ROWS if rows < LOW_TERMINAL_ROWS else _FRAME_ROWS
        self.query_one("#fields").styles.max_height = max(1, rows - frame - max(0, said - 1))

    def on_descendant_focus(self) -> None:
        """Another field has other keys."""
        self._show_keys()

    def on_input_submitted(self) -> None:
        """Enter."""
        self.action_take()

    def on_input_changed(self, message: Input.Changed) -> None:
        """What was wrong may not be any more."""
        self._clear(cast("LineInput", message.input))
        self.changed()

    def on_text_area_changed(self, message: TextArea.Changed) -> None:
        """What was wrong may not be any more."""
        self._clear(cast("CleanArea", message.text_area))

    def changed(self) -> None:
        """Called when something was typed."""

    def typed(self, name: str) -> str:
        """The text of a field."""
        return self.rows[name].text

    def show_problem(self, message: str, field: str = "") -> None:
        """Show what is wrong, at a field or below all; that field gets the focus."""
        self._show("note", "")
        row = self.rows.get(field)
        if row is None:
            self._show("problem", message)
            return
        row.show_error(message)
        self.set_focus(row.input)
        # The error has its rows after the next layout, which the refresh behind this one shows.
        self.call_after_refresh(self.call_after_refresh, row.scroll_visible, animate=False)

    def show_note(self, message: str) -> None:
        """Show below all what is being done, or what comes of it."""
        self._show("note", message)

    def work(
        self, doing: str, call: Callable[[CancelToken], R], then: Callable[[R], None] | None = None
    ) -> None:
        """Call the engine in a thread; escape stops it, and what goes wrong is shown.

        Args:
            doing: what is done meanwhile, for the row below the fields.
            then: gets the result; the form is dismissed with it if None.
        """
        from engine import CancelToken
        from engine.errors import CancelledError

        if self._cancel is not None:
            return  # one thing at a time
        cancel = self._cancel = CancelToken()
        for row in self.rows.values():
            row.show_error("")
        self._show("problem", "")
        self.show_note(f"{doing}   esc stops it")

        def give(result: Any) -> None:
            self._cancel = None
            if then is None:
                self.dismiss(result)
            else:
                self.show_note("")
                then(result)

        def fail(message: str, field: str) -> None:
            self._cancel = None
            self.show_problem(message, field)

        def run() -> None:
            try:
                result = call(cancel)
            except CancelledError:
                arguments: tuple[Any, ...] = (fail, "stopped: nothing was changed", "")
            except EspdeckError as error:
                arguments = (fail, str(error), error.field)
            else:
                arguments = (give, result)
            if self.is_attached:
                self.app.call_from_thread(*arguments)

        self.run_worker(run, thread=True, exit_on_error=False)

    def action_take(self) -> None:
        """Take the form, unless it is being done already."""
        if self._cancel is None:
            self.take()

    def action_stop(self) -> None:
        """Stop what is being done, else leave."""
        if self._cancel is not None:
            self._cancel.cancel()
        else:
            self.dismiss(None)

    def action_down(self) -> None:
        """Open the list of the field, else go to the next field."""
        row = self._chosen_row
        if row is not None and isinstance(row.input, TextArea):
            row.input.action_cursor_down()
        elif row is not None and row.choices:
            self._pick(row)
        else:
            self.focus_next()

    def action_up(self) -> None:
        """Go to the field before."""
        row = self._chosen_row
        if row is not None and isinstance(row.input, TextArea):
            row.input.action_cursor_up()
        else:
            self.focus_previous()

    @property
    def _chosen_row(self) -> FieldRow | None:
        """The field that has the focus."""
        return next((row for row in self.rows.values() if row.input is self.focused), None)

    def _pick(self, row: FieldRow) -> None:
        from tui.screens.pick import Pick

        def picked(names: Sequence[str] | None) -> None:
            if names is not None:
                row.set_text(", ".join(names))

        chosen = [each.strip() for each in row.text.split(",") if each.strip()]
        field = row.field
        self.app.push_screen(Pick(field.label, row.choices, chosen, many=field.many), picked)

    def _clear(self, changed: LineInput | CleanArea) -> None:
        for row in self.rows.values():
            if row.input is changed:
                row.text_changed()
        self._show("problem", "")

    def _show(self, where: str, message: str) -> None:
        line = self.query_one(f"#{where}", Static)
        line.update(Content(clean(message)))
        line.display = bool(message)
        # It has its rows after the next layout, which the refresh behind this one shows.
        rows = self.app.size.height
        self.call_after_refresh(self.call_after_refresh, self._share_rows, rows)

    def _show_keys(self) -> None:
        row = self._chosen_row
        keys = [f"enter {self.VERB}", "tab next", "esc leave"]
        if row is not None and row.choices:
            keys.insert(1, "down list")
        if row is not None and isinstance(row.input, TextArea):
            keys[0] = f"ctrl+s {self.VERB}"
        self.query_one("#keys", Static).update(Content("   ".join(keys)))


def names_in(text: str) -> list[str]:
    """Names that are separated by commas or blanks, each once."""
    return list(dict.fromkeys(text.replace(",", " ").split()))
