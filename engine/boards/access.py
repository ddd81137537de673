"""Who may have a board now, and the waiting for it: reservations, locks, programs of others."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from engine.boards import discovery, port_users
from engine.boards.board_lock import Lock, hold_one, holder_of, is_awaited
from engine.boards.keys import Keys
from engine.boards.lock_folder import LockFolder
from engine.boards.names import USB
from engine.boards.reservations import Reservation, Reservations
from engine.boards.virtual.lab import VirtualLab
from engine.cancel import CancelToken
from engine.errors import BoardError
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import BoardRow

RESERVATION_POLL_SECONDS = 0.5
"""Seconds between two looks whether a board was given back."""


class Access:
    """What the users of a machine agree on about its boards."""

    def __init__(self, folder: Path, lab: VirtualLab, store: Store, locks: LockFolder) -> None:
        """Know the boards.

        Args:
            folder: where virtual boards are kept.
            lab: those that run.
            store: where reservations of this workspace are remembered.
            locks: where all who share boards lock and reserve them.
        """
        self._folder = folder
        self._lab = lab
        self._store = store
        self._locks = locks
        self._reservations = Reservations(locks, store)

    def keys(self) -> Keys:
        """Which board a name means now."""
        return Keys(self._folder, self._lab.boards())

    def holder(self, key: str, port: str) -> str:
        """Who holds a board, see :func:`engine.boards.board_lock.holder_of`, or locked its port."""
        return holder_of(key, self._locks) or str(port_users.who_locked(port) or "")

    def reservation(self, key: str, row: BoardRow) -> Reservation | None:
        """Who reserved a board, until when, and why; None when nobody did."""
        return self._reservations.of(key, row)

    def reserved_from(self, name: str, holder: str) -> str:
        """Who reserved a board, where that is another than ``holder``; else empty."""
        row = board_rows.get_board(self._store, name)
        found = self._reservations.of(self.keys().of(name), row)
        return str(found) if found is not None and not found.is_of(holder) else ""

    def is_awaited(self, name: str) -> bool:
        """Whether somebody waits for a board that this process holds."""
        return is_awaited(self.keys().of(name), self._locks)

    def restore(self) -> None:
        """Let what this workspace remembers of reservations hold again."""
        keys = self.keys()
        for row in board_rows.all_boards(self._store).values():
            if row.is_held:
                self._reservations.of(keys.of(row.name), row)

    def reserve(self, name: str, *, holder: str, note: str, until: datetime) -> BoardRow:
        """As :meth:`engine.boards.reservations.Reservations.reserve`."""
        key = self.keys().of(name)
        return self._reservations.reserve(key, name, holder=holder, note=note, until=until)

    def release(self, name: str, *, holder: str, force: bool) -> None:
        """As :meth:`engine.boards.reservations.Reservations.release`."""
        self._reservations.release(self.keys().of(name), name, holder=holder, force=force)

    @contextlib.contextmanager
    def hold(
        self,
        names: Sequence[str],
        *,
        cancel: CancelToken,
        on_wait: Callable[[str], None],
        purpose: str,
        holder: str,
    ) -> Iterator[Lock]:
        """Hold the first of some boards that may be had while the block runs.

        Args:
            names: the boards, the best first.
            cancel: ends the waiting.
            on_wait: called with lines that say who is waited for.
            purpose: what it is held for, for those who wait.
            holder: the person who wants it; empty for nobody, who waits while it is reserved.

        Raises:
            BoardError: it cannot be locked.
            CancelledError, Interrupted: as ``cancel`` says, while it waits.
        """
        while True:
            # Without the lock: who reserved a board must get it.
            free = self._wait_for_release(names, holder, cancel, on_wait)
            keys, boards = self.keys(), dict[str, str]()
            for name in free:
                boards.setdefault(keys.of(name), name)
            with hold_one(
                boards,
                cancel=cancel,
                folder=self._locks,
                on_wait=on_wait,
                purpose=purpose,
                seconds=math.inf if len(free) == len(names) else RESERVATION_POLL_SECONDS * 10,
            ) as lock:
                if lock is None or self._hindrance(lock.name, holder, is_held=True):
                    continue
                if self.keys().of(lock.name) != lock.key:
                    continue  # another board is there now
                yield lock
                return

    @contextlib.contextmanager
    def hold_if_free(
        self, name: str, *, cancel: CancelToken, purpose: str, holder: str = ""
    ) -> Iterator[Lock | None]:
        """Hold a board while the block runs, if nobody has it, waits for it or reserved it.

        Args:
            cancel, purpose, holder: as :meth:`hold` has them; whose reservation is no hindrance.

        Yields:
            None where somebody has it.

        Raises:
            BoardError: it cannot be locked.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        if self._hindrance(name, holder, is_held=False):
            yield None
            return
        key = self.keys().of(name)
        with hold_one(
            {key: name},
            cancel=cancel,
            folder=self._locks,
            on_wait=lambda _line: None,
            purpose=purpose,
            seconds=0.0,
        ) as lock:
            # It may have been reserved meanwhile, or another board may be there now.
            is_ours = (
                lock is not None
                and not self._hindrance(name, holder, is_held=True)
                and self.keys().of(name) == key
            )
            yield lock if is_ours else None

    def _wait_for_release(
        self,
        names: Sequence[str],
        holder: str,
        cancel: CancelToken,
        on_wait: Callable[[str], None],
    ) -> Sequence[str]:
        """Those of the boards that nobody hinders, as soon as there is one."""
        told = ""
        while True:
            hindrances = {name: self._hindrance(name, holder, is_held=False) for name in names}
            free = [name for name in names if not hindrances[name]]
            if free:
                return free
            if hindrances[names[0]] != told:
                told = hindrances[names[0]]
                on_wait(f"waiting for {', '.join(names)}: {told}")
            cancel.wait(RESERVATION_POLL_SECONDS)

    def _hindrance(self, name: str, holder: str, *, is_held: bool) -> str:
        """Why a board may not be had now, beside its lock; empty when it may.

        Args:
            is_held: whether the lock is ours. While somebody else has it, what uses the port is
                theirs, such as their esptool: then its turn is waited for, in the lock's order.
        """
        row, key = board_rows.get_board(self._store, name), self.keys().of(name)
        reservation = self._reservations.of(key, row)
        if reservation is not None and not reservation.is_of(holder):
            return f"reserved by {reservation}"
        if not is_held and holder_of(key, self._locks):
            return ""
        program = port_users.other_user(_device(name))
        return f"in use by {program}" if program is not None else ""


def _device(name: str) -> str:
    """The device of a port now; else its name, which is none."""
    if name.startswith(USB):
        with contextlib.suppress(BoardError):
            return discovery.device_of(name)
    return name
