"""Reservations of boards, which hold for all users of the machine.

What holds is a file of the lock folder that its user owns, so that the system lets nobody else but
root take it away. The database of the workspace that reserved remembers it beyond a restart of the
machine, which empties the folder: a file that is missing is made anew from there. One that was
taken back is there and empty.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.boards.board_lock import file_of
from engine.boards.lock_folder import LockFolder
from engine.errors import BoardError, ConflictError
from engine.processes.programs import user_name
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import BoardRow, is_ahead
from engine.text import clean

MAX_TEXT_CHARACTERS = 200
"""Characters of a note or a name that are kept for others."""

_BOOKING_SECONDS = 10.0  # seconds until somebody else's booking is over
_RETRY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Reservation:
    """A board that a person has.

    Args:
        holder: how the person is called there. Untrusted, cleaned; so is ``note``, why.
        until: when it ends.
        uid: the person's user, by the owner of the file.
    """

    holder: str
    until: datetime
    note: str
    uid: int

    def __str__(self) -> str:
        """Who has it, until when, and why, in a line."""
        row = BoardRow(name="", holder=self.who, note=self.note, held_until=self.until)
        return row.reserved

    def is_of(self, holder: str) -> bool:
        """Whether it is this user's, under that name."""
        return self.uid == os.geteuid() and self.holder == holder

    @property
    def who(self) -> str:
        """The person, and the user whose file it is where that is called otherwise."""
        name = user_name(self.uid)
        if self.uid == os.geteuid() or self.holder == name:
            return self.holder
        return f"{name} ({self.holder})"


class Reservations:
    """The reservations of a machine, and those that a workspace remembers."""

    def __init__(self, folder: LockFolder, store: Store) -> None:
        """Know where they are.

        Args:
            folder: where they hold.
            store: where those of this workspace are remembered.
        """
        self._folder = folder
        self._store = store

    def of(self, key: str, row: BoardRow) -> Reservation | None:
        """Who has a board now; None when nobody has.

        Args:
            key: which board.
            row: what the workspace knows of it; a reservation that only it knows holds again.
        """
        if row.is_held:
            self._restore(key, row)
        begin = _file(key, 0)[:-1]
        found = [self._read(name) for name in self._folder.names() if name.startswith(begin)]
        valid = [each for each in found if each is not None and is_ahead(each.until)]
        return min(valid, key=lambda each: each.until, default=None)

    def _restore(self, key: str, row: BoardRow) -> None:
        """Let a remembered reservation hold again, or forget it where it was taken back."""
        own = _file(key, os.geteuid())
        there = self._folder.stat(own)
        if there is None:
            with contextlib.suppress(OSError):
                self._write(key, row)
        elif there.st_uid == os.geteuid() and not self._is_same(own, row):
            board_rows.forget_reservation(self._store, row.name)

    def reserve(self, key: str, name: str, *, holder: str, note: str, until: datetime) -> BoardRow:
        """Reserve a board for a person; one's own reservation is made anew.

        Raises:
            ConflictError: another person has it.
            BoardError: that cannot be kept for others.
        """
        with self._booking(key, name):
            now = self.of(key, board_rows.get_board(self._store, name))
            if now is not None and not now.is_of(holder):
                raise ConflictError(f"{name} is reserved by {now}")
            row = BoardRow(name=name, holder=holder, note=note, held_until=until)
            with _explained(name):
                self._write(key, row)
            return board_rows.reserve_board(
                self._store, name, holder=holder, note=note, until=until
            )

    def release(self, key: str, name: str, *, holder: str, force: bool) -> None:
        """Give a board back.

        Raises:
            ConflictError: it is not reserved, or by another person and not ``force``, or by another
                user and this one is not root.
        """
        with self._booking(key, name):
            now = self.of(key, board_rows.get_board(self._store, name))
            if now is None:
                raise ConflictError(f"{name} is not reserved")
            if os.geteuid() not in (0, now.uid):
                who = user_name(now.uid)
                raise ConflictError(
                    f"{name} is reserved by {now}; only {who} and root can give it back"
                )
            if not now.is_of(holder) and not force:
                raise ConflictError(f"{name} is reserved by {now} (--force takes it)")
            with _explained(name):
                self._folder.empty(_file(key, now.uid))
            board_rows.forget_reservation(self._store, name)

    def _write(self, key: str, row: BoardRow) -> None:
        """Raises OSError."""
        assert row.held_until is not None
        self._folder.write(
            _file(key, os.geteuid()),
            f"{row.held_until.isoformat()}\n{_line(row.holder)}\n{_line(row.note)}\n",
        )

    def _is_same(self, file: str, row: BoardRow) -> bool:
        found = self._read(file)
        return found is not None and (found.holder, found.until) == (
            _line(row.holder),
            row.held_until,
        )

    def _read(self, file: str) -> Reservation | None:
        kept = self._folder.read(file)
        if kept is None or file.rpartition(".")[2] != str(kept.uid):
            return None  # in another's name
        lines = [*kept.text.split("\n"), "", ""]
        try:
            until = datetime.fromisoformat(lines[0]).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return Reservation(_line(lines[1]), until, _line(lines[2]), kept.uid)

    @contextlib.contextmanager
    def _booking(self, key: str, name: str) -> Iterator[None]:
        """Keep others from reserving or giving back the board while the block runs."""
        deadline = time.monotonic() + _BOOKING_SECONDS
        with _explained(name):
            while (descriptor := self._folder.lock(f"{file_of(key)}.book")) is None:
                if time.monotonic() > deadline:
                    raise BoardError(f"{name}: another process is reserving it and does not finish")
                time.sleep(_RETRY_SECONDS)
        try:
            yield
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or error
        raise BoardError(f"{name}: cannot be reserved for all users: {where}{reason}") from error


def _file(key: str, uid: int) -> str:
    return f"{file_of(key)}.reserved.{uid}"


def _line(text: str) -> str:
    return clean(text.replace("\n", " "))[:MAX_TEXT_CHARACTERS]
