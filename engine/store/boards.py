"""What is asked of the board table."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import select

from engine.errors import ConflictError, UsageError
from engine.store.database import Store
from engine.store.tables import BoardRow, utc_now


def get_board(store: Store, name: str) -> BoardRow:
    """What is known of a board; an empty row for one that was never used."""
    with store.read() as session:
        return session.get(BoardRow, name) or BoardRow(name=name)


def all_boards(store: Store) -> dict[str, BoardRow]:
    """Every board that was used or reserved, by name."""
    with store.read() as session:
        return {row.name: row for row in session.exec(select(BoardRow))}


def remember_board(store: Store, seen: BoardRow) -> None:
    """Keep what a board said of itself; who holds it stays."""
    with store.write() as session:
        row = session.get(BoardRow, seen.name) or BoardRow(name=seen.name)
        row.chip, row.revision, row.mac = seen.chip, seen.revision, seen.mac
        row.flash_size, row.features = seen.flash_size, seen.features
        row.package, row.crystal, row.protection = seen.package, seen.crystal, seen.protection
        row.asked_at = utc_now()
        session.add(row)


def reserve_board(store: Store, name: str, *, holder: str, note: str, until: datetime) -> BoardRow:
    """Reserve a board for a person; one's own reservation is made anew.

    Raises:
        ConflictError: another person has it.
    """
    with store.write() as session:
        row = session.get(BoardRow, name) or BoardRow(name=name)
        if row.is_held and row.holder != holder:
            raise ConflictError(f"{name} is reserved by {row.reserved}")
        row.holder, row.note, row.held_until = holder, note, until
        session.add(row)
    return row


def forget_reservation(store: Store, name: str) -> None:
    """A board is reserved by nobody any more."""
    with store.write() as session:
        row = session.get(BoardRow, name)
        if row is not None:
            row.holder, row.note, row.held_until = "", "", None
            session.add(row)


def label_board(store: Store, name: str, *, label: str, remark: str) -> BoardRow:
    """Keep how people call a board (unique; empty for nothing) and what they wrote about it.

    Raises:
        UsageError: another board is called so.
    """
    with store.write() as session:
        other = session.exec(select(BoardRow).where(BoardRow.label == label)).first()
        if label and other is not None and other.name != name:
            raise UsageError(f"{other.name} is called {label} already")
        row = session.get(BoardRow, name) or BoardRow(name=name)
        row.label, row.remark = label, remark
        session.add(row)
    return row


def find_by_label(store: Store, label: str) -> str | None:
    """The name of the board that people call ``label``, None for none."""
    with store.read() as session:
        row = session.exec(select(BoardRow).where(BoardRow.label == label)).first()
        return row.name if row is not None else None


def count_resets(store: Store, name: str, *, brownouts: int, watchdog_resets: int) -> None:
    """Add resets that a board was seen to do by itself."""
    with store.write() as session:
        row = session.get(BoardRow, name) or BoardRow(name=name)
        row.brownouts += brownouts
        row.watchdog_resets += watchdog_resets
        session.add(row)


def take_from_pool(store: Store, name: str, *, reason: str, now: datetime) -> None:
    """Builds that may take any board do not take this one any more; the first reason's time stays.

    Args:
        reason: one line; empty puts it back into the pool.
    """
    with store.write() as session:
        row = session.get(BoardRow, name) or BoardRow(name=name)
        row.out_of_pool = reason
        row.out_since = (row.out_since or now) if reason else None
        session.add(row)


def note_known_good(store: Store, name: str, *, now: datetime) -> None:
    """The known-good image of a board was written."""
    with store.write() as session:
        row = session.get(BoardRow, name) or BoardRow(name=name)
        row.known_good_at = now
        session.add(row)


def note_by_hand(store: Store, name: str) -> None:
    """A person writes or erases a board's flash."""
    with store.write() as session:
        row = session.get(BoardRow, name) or BoardRow(name=name)
        row.by_hand_at = utc_now()
        session.add(row)
