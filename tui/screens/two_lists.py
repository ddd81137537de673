"""What home and the workflows share: two lists beside each other, a filter, details below."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from engine.enums import RunStatus
from tui.screens.base import MainScreen
from tui.theme import COLOURS
from tui.widgets.details import Facts
from tui.widgets.key_bar import KeyBar
from tui.widgets.row_list import Parts, RowList

RUN_COLOURS = {**COLOURS, "pending": "busy"}
"""Colours of runs in lists: one that waits is busy, too."""


class TwoLists(MainScreen):
    """Two lists of which the right one is filtered; ``_facts`` below are of what is chosen."""

    def __init__(self, left: RowList[Any], right: RowList[Any], filter: str) -> None:
        """Make a screen.

        Args:
            filter: what stands in the filter while it is empty.
        """
        super().__init__()
        self._left = left
        self._right = right
        self._facts = Facts()
        self._filter = Input(placeholder=filter, id="filter")
        self._progress: dict[int, float] = {}

    @abstractmethod
    def _load_right(self) -> None:
        """Load the right list, as it is filtered."""

    def compose(self) -> ComposeResult:
        """Lists, details, key bar."""
        with Horizontal(id="lists"):
            yield self._left
            with Vertical(id="right"):
                yield self._right
                yield self._filter
        yield self._facts
        self._bar = KeyBar(self.shown_keys, self.why_not)
        yield self._bar

    def on_mount(self) -> None:
        """Nothing can be filtered yet."""
        self._filter.display = False
        self.set_focus(self._left)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter as it is typed."""
        if message.input is self._filter:
            self._load_right()

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        """The filter stays; the keys go to the list again."""
        self.set_focus(self._right)

    def leave(self) -> None:
        """Leave the filter, and all that it hides comes back."""
        if self._filter.display:
            self._filter.value = ""
            self._filter.display = False
            self.set_focus(self._right)

    def do_filter(self) -> None:
        """Type what the right list should have."""
        self._filter.display = True
        self.set_focus(self._filter)

    def do_other(self) -> None:
        """The other list."""
        self.set_focus(self._right if self._left.has_focus else self._left)

    def do_left(self) -> None:
        """The left list."""
        self.set_focus(self._left)

    def do_right(self) -> None:
        """The right list."""
        self.set_focus(self._right)

    @property
    def moved(self) -> RowList[Any]:
        """The list that has the focus."""
        return self._right if self._right.has_focus else self._left

    def _run_parts(
        self, number: int, status: RunStatus, took: float | None, width: int, word: str = ""
    ) -> Parts:
        """How a row of a run begins: its status, its number, how long it took or how far it is.

        Args:
            took: seconds; None while it has not ended.
            width: cells of the row.
            word: what says more than the status, empty for nothing.
        """
        word = word or status
        sign = self.deck.glyphs.state(status)
        took_text = f"{took:.1f} s" if took is not None else ""
        if status is RunStatus.RUNNING and number in self._progress:
            took_text = f"{self._progress[number]:.0f} %"
        return [
            (f" {sign} {word:<9}" if width >= 44 else f" {sign}", RUN_COLOURS.get(word, "dim")),
            (f" #{number:<5}", ""),
            (f"{took_text:>8} ", "dim"),
        ]
