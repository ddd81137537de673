"""The audit log: who did what through the HTTP API, and who was refused; tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from engine.events import Event
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.audit_rows import TOKEN_HEAD, audit_lines, audit_parts, audit_text, token_row
from tui.presentation.tables import columns
from tui.screens.base import MainScreen
from tui.widgets.details import Details
from tui.widgets.key_bar import KeyBar
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import AuditRow, TokenRow

_PAGE_ROWS = 200
"""Entries that are loaded at once."""

_NOTHING = " nobody asked the HTTP API for anything yet; H says how to use it"


class AuditScreen(MainScreen):
    """The list, newest first, above details of the chosen entry."""

    WHERE: ClassVar[Where] = Where.AUDIT

    def __init__(self) -> None:
        super().__init__()
        self._rows: RowList[AuditRow] = RowList(
            draw=audit_parts,
            key=lambda row: row.id,
            empty=" loading",
            id="audit",
        )
        self._rows.title = " audit log"
        self._details = Details()
        self._more = True

    def compose(self) -> ComposeResult:
        """The list, details, keys."""
        yield self._rows
        yield self._details
        self._bar = KeyBar(self.actions.values())
        yield self._bar

    def on_mount(self) -> None:
        """Load the newest."""
        self.set_focus(self._rows)
        self._load()

    def list_actions(self) -> Sequence[Action]:
        """Actions on the chosen entry, and on the list."""
        return [
            *super().list_actions(),
            self.action("open", self._open, self._nothing),
            self.action("renew", self._load),
            self.action("tokens", self._show_tokens),
            self.action("back", self.app.pop_screen),
        ]

    def handle_events(self, events: Sequence[Event]) -> None:
        """Nothing: the audit log publishes no events, a key loads what came since."""

    def escape(self) -> None:
        """Go back."""
        self.app.pop_screen()

    @property
    def scroll_target(self) -> RowList[AuditRow]:
        """The list."""
        return self._rows

    def on_row_list_moved(self, _message: RowList.Moved) -> None:
        """Show details of another one; load more near the last."""
        self._show_details()
        self._bar.refresh()
        if self._rows.at_end and self._more:
            self._load(more=True)

    def on_row_list_opened(self, _message: RowList.Opened) -> None:
        """Show the whole of it on a double click."""
        self.action_do("open")

    def _load(self, *, more: bool = False) -> None:
        def last() -> int | None:
            return self._rows.items[-1].id if self._rows.items else None

        before = last() if more else None

        def show(rows: Sequence[AuditRow]) -> None:
            if more and last() != before:
                return  # it was asked for twice, or the list was loaded anew
            self._more = len(rows) >= _PAGE_ROWS
            self._rows.fill([*self._rows.items, *rows] if more else list(rows), empty=_NOTHING)
            self._show_details()
            self._bar.refresh()

        self.in_thread(lambda: self.engine.access.audit(limit=_PAGE_ROWS, before=before), show)

    def _show_details(self) -> None:
        row = self._rows.item
        self._details.show(audit_lines(row) if row is not None else [])

    def _open(self) -> None:
        """Show the whole of it."""
        from tui.screens.reader import LineReader

        row = self._rows.item
        assert row is not None  # the action is disabled without
        self.app.push_screen(LineReader(f"entry {row.id}", audit_text(row)))

    def _show_tokens(self) -> None:
        """Show which tokens there are."""
        from tui.screens.reader import LineReader

        def show(rows: Sequence[TokenRow]) -> None:
            now = datetime.now(UTC)
            lines = columns(TOKEN_HEAD, [token_row(row, now) for row in rows])
            text = "\n".join(lines) if rows else "no tokens: espdeck token create NAME --scope read"
            self.app.push_screen(LineReader("tokens of the HTTP API", text))

        self.in_thread(self.engine.access.tokens, show)

    def _nothing(self) -> str | None:
        return None if self._rows.item is not None else "there is no entry"
