"""The base of the screens that are one long list, newest first, above details of the chosen row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult

from tui.screens.base import MainScreen
from tui.widgets.details import Details
from tui.widgets.row_list import RowList

T = TypeVar("T")

PAGE_ROWS = 200
"""Rows that are loaded at once."""


class PagedListScreen(MainScreen, Generic[T]):
    """Loads the newest rows, and older ones when the cursor comes near the last."""

    RESTS: ClassVar[bool] = True

    def __init__(self, rows: RowList[T]) -> None:
        super().__init__()
        self._rows = rows
        self._details = Details()
        self._more = True
        self._is_loading_more = False
        self._loads = 0

    @abstractmethod
    def _read(self, limit: int, before: T | None) -> Sequence[T]:
        """Rows in a thread, the newest first.

        Args:
            before: the last row that is there already; None for the newest.
        """

    @abstractmethod
    def _show_details(self) -> None:
        """Show details of the chosen row."""

    @property
    @abstractmethod
    def _nothing_there(self) -> str:
        """What the list says while it is empty, with the key that helps."""

    def compose_body(self) -> ComposeResult:
        """The list, details."""
        yield self._rows
        yield self._details

    def on_mount(self) -> None:
        """Load the newest."""
        self.set_focus(self._rows)
        self._load()

    def escape(self) -> None:
        """Go back."""
        self.app.pop_screen()

    @property
    def scroll_target(self) -> RowList[T]:
        """The list."""
        return self._rows

    def on_row_list_moved(self, _message: RowList.Moved) -> None:
        """Show details of another one; load more near the last."""
        self._show_details()
        self._bar.refresh()
        if self._rows.at_end and self._more and not self._is_loading_more:
            self._load_more()

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """Show the whole of it on a double click."""
        self.action_do("open")

    def _load(self) -> None:
        """Load the newest again, as many as are there."""
        self._loads += 1
        number, limit = self._loads, max(PAGE_ROWS, len(self._rows.items))

        def show(rows: Sequence[T]) -> None:
            if number == self._loads:  # else it is loaded anew by now
                self._is_loading_more = False
                self._more = len(rows) >= limit
                self._show(rows)

        self.in_thread(lambda: self._read(limit, None), show)

    def _load_more(self) -> None:
        self._is_loading_more = True
        number, last = self._loads, self._rows.items[-1]

        def show(rows: Sequence[T]) -> None:
            if number == self._loads:  # else the list begins anew
                self._is_loading_more = False
                self._more = len(rows) >= PAGE_ROWS
                self._show([*self._rows.items, *rows])

        self.in_thread(lambda: self._read(PAGE_ROWS, last), show)

    def _show(self, rows: Sequence[T]) -> None:
        self._rows.fill(rows, empty=self._nothing_there)
        self._show_details()
        self._bar.refresh()

    @property
    def _chosen(self) -> T:
        """The chosen row: actions that need one are disabled without."""
        row = self._rows.item
        assert row is not None
        return row
