"""The base of workflows and settings: two lists side by side, a filter, details below."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tui.actions import Action
from tui.screens.base import MainScreen
from tui.widgets.details import Details
from tui.widgets.row_list import RowList


class TwoListScreen(MainScreen):
    """Two lists of which the right one is filtered, and details of what is chosen below them."""

    def __init__(self, left: RowList[Any], right: RowList[Any], filter: str) -> None:
        """Make a screen.

        Args:
            filter: what stands in the filter while it is empty.
        """
        super().__init__()
        self._left = left
        self._right = right
        self._details = Details()
        self._filter = Input(placeholder=filter, id="filter")

    @abstractmethod
    def _load_right(self) -> None:
        """Load the right list, as it is filtered."""

    def compose_body(self) -> ComposeResult:
        """Lists, details."""
        with Horizontal(id="lists"):
            yield self._left
            with Vertical(id="right"):
                yield self._right
                yield self._filter
        yield self._details

    def on_mount(self) -> None:
        """Hide the filter; the left list has the focus."""
        self._filter.display = False
        self.set_focus(self._left)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter as it is typed."""
        if message.input is self._filter:
            self._load_right()

    def on_input_submitted(self, _message: Input.Submitted) -> None:
        """Give the focus to the list; the filter stays."""
        self.set_focus(self._right)

    def escape(self) -> None:
        """Close the filter; all that it hides comes back."""
        if self._filter.display:
            self._filter.value = ""
            self._filter.display = False
            self.set_focus(self._right)

    def list_actions(self) -> Sequence[Action]:
        """Actions that go from list to list."""
        return [
            *super().list_actions(),
            self.action("other", self._focus_other),
            self.action("left", lambda: self._left.focus()),
            self.action("right", lambda: self._right.focus()),
        ]

    def open_filter(self) -> None:
        """Open the field in which one types what the right list should have."""
        self._filter.display = True
        self.set_focus(self._filter)

    def _focus_other(self) -> None:
        self.set_focus(self._right if self._left.has_focus else self._left)

    @property
    def scroll_target(self) -> RowList[Any]:
        """The list that has the focus."""
        return self._right if self._right.has_focus else self._left
