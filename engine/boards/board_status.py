"""What this process knows of a board beside its files: what it is, does and said last."""

from __future__ import annotations

from engine.boards.identity import BoardIdentity
from engine.monitor.line_splitter import LineCutter
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import BoardRow
from engine.text import clean

LAST_OUTPUT_BYTES = 200
"""Bytes at least that are remembered of what a board said last."""


class BoardStatus:
    """One board. Who holds it writes, lists of boards read."""

    def __init__(self, name: str, store: Store) -> None:
        """Know nothing yet.

        Args:
            name: of the board.
            store: where it is kept what the board is.
        """
        self.identity: BoardIdentity | None = None
        """What it said of itself to this process."""

        self.activity = ""
        """What is done with it now, such as ``flash 43 %``; empty for nothing."""

        self.by_hand = False
        """Whether a person holds it."""

        self._name = name
        self._store = store
        self._output = b""

    @property
    def last_line(self) -> str:
        """What its console said last. Untrusted text."""
        cutter = LineCutter()
        lines = [*cutter.feed(self._output), *cutter.flush()]
        return next((clean(line).strip() for line in reversed(lines) if line.strip()), "")

    def hear(self, data: bytes) -> None:
        """Take what its console says next."""
        self._output = (self._output[-LAST_OUTPUT_BYTES:] + data)[-2 * LAST_OUTPUT_BYTES :]

    def note_change(self) -> None:
        """Its flash is about to be changed."""
        if self.by_hand:
            board_rows.note_by_hand(self._store, self._name)

    def remember(self, identity: BoardIdentity) -> None:
        """Keep what it says of itself, also for other processes."""
        self.identity = identity
        board_rows.remember_board(
            self._store,
            BoardRow(
                name=self._name,
                chip=identity.chip,
                revision=identity.revision,
                mac=identity.mac,
                flash_size=identity.flash_size,
                features=", ".join(identity.features),
                package=identity.package,
                crystal=identity.crystal,
                protection=str(identity.protection),
            ),
        )
