"""The audit log: who did what through the HTTP API, and who was refused; tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from engine.events import Event
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.audit_rows import (
    TOKEN_HEAD,
    audit_head,
    audit_lines,
    audit_parts,
    audit_text,
    token_row,
)
from tui.presentation.tables import columns
from tui.screens.paged_list import PagedListScreen
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import AuditRow, TokenRow

_NOTHING = " no requests to the HTTP API yet: press H to read how to use it"


class AuditScreen(PagedListScreen["AuditRow"]):
    """The list, newest first, above details of the chosen entry."""

    WHERE: ClassVar[Where] = Where.AUDIT

    def __init__(self) -> None:
        rows: RowList[AuditRow] = RowList(
            draw=lambda row, width: audit_parts(row, width, self.app.glyphs.cut),
            key=lambda row: row.id,
            empty=" loading",
            head=lambda width: audit_head(width, self.app.glyphs.cut),
            id="audit",
        )
        rows.title = " audit log"
        super().__init__(rows)

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
        """Ignore them: the audit log publishes no events, a key loads what came since."""

    @property
    def _nothing_there(self) -> str:
        return _NOTHING

    def _read(self, limit: int, before: AuditRow | None) -> Sequence[AuditRow]:
        return self.engine.access.audit(limit=limit, before=before.id if before else None)

    def _show_details(self) -> None:
        row = self._rows.item
        self._details.show(audit_lines(row) if row is not None else [])

    def _open(self) -> None:
        """Show the whole of it."""
        from tui.screens.reader import LineReader

        row = self._chosen
        self.app.push_screen(LineReader(f"entry {row.id}", audit_text(row)))

    def _show_tokens(self) -> None:
        """Show which tokens there are."""
        from tui.screens.reader import LineReader

        def show(rows: Sequence[TokenRow]) -> None:
            now = datetime.now(UTC)
            lines = columns(TOKEN_HEAD, [token_row(row, now) for row in rows])
            text = "\n".join(lines) if rows else "no tokens: espdeck token create NAME --scope read"
            self.app.push_screen(LineReader("tokens of the HTTP API", text))

        self.in_thread(self.engine.access.tokens, show, opens=True)

    def _nothing(self) -> str | None:
        return None if self._rows.item is not None else "the audit log is empty"
