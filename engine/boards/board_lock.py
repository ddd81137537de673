"""One stage at a time on a board: first come, first served, and never two processes at once.

A board is a key (:mod:`engine.boards.keys`), for which two files of a lock folder are locked
(flock(2)). Who waits first, in whatever process, locks ``KEY.next``, and gives that up only with
``KEY.lock`` in hand: whoever gives a board back and wants it again comes after the one who waits.
Among the others of those who wait, the process that looks first is the next one to wait first; each
process sends but one, in the order in which its threads came. A lock ends when the last process
that has its descriptor does, so that it stays as long as a flasher that inherited it.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.boards.lock_folder import LockFolder
from engine.cancel import CancelToken
from engine.errors import BoardError
from engine.processes.identity import ProcessIdentity
from engine.processes.programs import is_running, lockers, process_info, user_name
from engine.text import clean

LOCK_POLL_SECONDS = 0.1
"""How often a lock that another process holds is tried: the system cannot tell when it is free."""

MAX_PURPOSE_CHARACTERS = 80
"""Characters that are shown of what a board is held for."""

_UNKNOWN = "another process"

_changed = threading.Condition()
_queues: dict[str, list[object]] = {}
"""Who waits in this process for which lock file, the holder first. Guarded by ``_changed``."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A board that is held.

    Args:
        name: as it was asked for.
        key: which board it is.
        descriptor: what keeps it held; a program that inherits it keeps it too.
    """

    name: str
    key: str
    descriptor: int


@contextlib.contextmanager
def hold_one(
    boards: Mapping[str, str],
    *,
    cancel: CancelToken,
    folder: LockFolder,
    on_wait: Callable[[str], None],
    purpose: str,
    seconds: float = math.inf,
) -> Iterator[Lock | None]:
    """Hold the first of some boards that is free while the block runs.

    Who waits for several stands in the queue of each.

    Args:
        boards: their names by key, the best first.
        cancel: ends the waiting.
        folder: where lock files are; the same for all processes that share boards.
        on_wait: called once with who holds them, if one must be waited for.
        purpose: what it is held for, for those who wait.
        seconds: how long to wait at the most.

    Yields:
        The one that is held; None when none became free in time.

    Raises:
        BoardError: a lock file cannot be made or locked.
        CancelledError, Interrupted: as ``cancel`` says, while it waits.
    """
    with contextlib.ExitStack() as stack:
        places = [_Place(key, name, folder) for key, name in boards.items()]
        line = stack.enter_context(_Line(places, cancel))
        taken = _take(line, cancel, _Once(on_wait, folder), time.monotonic() + seconds)
        if taken is None or taken.descriptor is None:
            yield None
            return
        line.stay_in(taken)
        with _told(taken, purpose):
            yield Lock(taken.name, taken.key, taken.descriptor)


def _take(line: _Line, cancel: CancelToken, told: _Once, deadline: float) -> _Place | None:
    """Lock one of the boards as soon as it is our turn and no other process has it."""
    names = ", ".join(place.name for place in line.places)
    names = f"one of {names}" if len(line.places) > 1 else names
    if not line.first(0):
        told(f"waiting for {names}: {line.places[0].holder() or 'another stage'} holds it")
    is_late = False
    while True:
        first = line.first(deadline - time.monotonic())
        cancel.check()
        for place in first:
            if place.take():
                return place
        if not first or time.monotonic() >= deadline:
            return None  # first is empty when time was up
        if is_late:  # else it may be somebody who only looks
            told(f"waiting for {names}: {first[0].hindrance()}")
        is_late = True
        cancel.wait(LOCK_POLL_SECONDS)


class _Place:
    """A place among those who want one board: in this process, then among processes."""

    def __init__(self, key: str, name: str, folder: LockFolder) -> None:
        self.key = key
        self.name = name
        self.folder = folder
        self.file = file_of(key)
        self.queue = f"{folder.path}/{self.file}"
        self.ticket = object()
        self.descriptor: int | None = None
        self._next: int | None = None

    def take(self) -> bool:
        """Lock the board, unless another process has it or waits longer.

        Raises:
            BoardError: a lock file cannot be made or locked.
        """
        try:
            if self._next is None:
                self._next = self.folder.lock(f"{self.file}.next")
            if self._next is None:
                return False
            self.descriptor = self.folder.lock(f"{self.file}.lock")
        except OSError as error:
            where = error.filename or self.folder.path
            reason = error.strerror or error
            raise BoardError(f"{self.name}: cannot be locked: {where}: {reason}") from error
        if self.descriptor is None:
            return False
        self._close_next()
        return True

    def close(self) -> None:
        """Give up whatever it has. Nothing is unlocked: a child may have the lock too."""
        self._close_next()
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def holder(self) -> str:
        """Who holds the board, see :func:`holder_of`."""
        return holder_of(self.key, self.folder)

    def hindrance(self) -> str:
        """What keeps it from the board: who holds it; else who waits longer, as one that a person
        stopped does for ever."""
        holder = self.holder()
        found = None if holder or self._next is not None else self.folder.stat(f"{self.file}.next")
        waiter = next(filter(None, map(process_info, lockers(found) if found else ())), None)
        return f"{waiter} waits longer" if waiter else f"{holder or _UNKNOWN} holds it"

    def _close_next(self) -> None:
        if self._next is not None:
            os.close(self._next)
            self._next = None


class _Line:
    """Places in the queues of some boards, among this process's threads."""

    def __init__(self, places: Sequence[_Place], cancel: CancelToken) -> None:
        self.places = list(places)
        self._cancel = cancel

    def __enter__(self) -> _Line:
        with _changed:
            for place in self.places:
                _queues.setdefault(place.queue, []).append(place.ticket)
        self._forget = self._cancel.on_stop(self._wake)
        return self

    def __exit__(self, *_error: object) -> None:
        self._forget()
        self._leave(self.places)

    def first(self, seconds: float) -> Sequence[_Place]:
        """Wait until it is this one's turn somewhere: where. Empty when stopped or time is up."""
        with _changed:
            _changed.wait_for(
                lambda: self._turns() or self._cancel.stopped,
                None if math.isinf(seconds) else max(0.0, seconds),
            )
            return self._turns()

    def stay_in(self, taken: _Place) -> None:
        """Leave every other queue: this board was had."""
        self._leave([other for other in self.places if other is not taken])
        self.places = [taken]

    def _turns(self) -> list[_Place]:
        return [place for place in self.places if _queues[place.queue][0] is place.ticket]

    def _leave(self, places: Sequence[_Place]) -> None:
        with _changed:
            for place in places:
                place.close()
                _queues[place.queue].remove(place.ticket)
                if not _queues[place.queue]:
                    del _queues[place.queue]
            _changed.notify_all()

    def _wake(self) -> None:
        with _changed:
            _changed.notify_all()


class _Once:
    """Says one thing, and with it why other users are not waited for where that is so."""

    def __init__(self, say: Callable[[str], None], folder: LockFolder) -> None:
        self._say: Callable[[str], None] | None = say
        self._more = f" (other users are not seen: {folder.problem})" if folder.problem else ""

    def __call__(self, message: str) -> None:
        say, self._say = self._say, None
        if say is not None:
            say(message + self._more)


@contextlib.contextmanager
def _told(place: _Place, purpose: str) -> Iterator[None]:
    """Say who holds a board while the block runs. For people only: a full disk does not matter."""
    name = _note(place.file, os.geteuid())
    with contextlib.suppress(OSError):
        place.folder.write(
            name, f"{ProcessIdentity.own()}\n{clean(purpose)[:MAX_PURPOSE_CHARACTERS]}\n"
        )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            place.folder.remove(name)


def holder_of(key: str, folder: LockFolder) -> str:
    """Who holds a board, for people; empty when it is free.

    User and process are the kernel's word, where it tells; what for is the holder's own. Neither
    can be said by anybody else.

    Args:
        key: which board.
        folder: where lock files are.
    """
    file = file_of(key)
    found = folder.stat(f"{file}.lock")
    if found is None:
        return ""
    pids = lockers(found)
    if pids:
        return _describe(pids[0], _notes(file, folder))
    looked = folder.status(f"{file}.lock")
    if looked is None or not looked[1]:
        return ""
    # Of another container, or on a file system whose locks the kernel does not name.
    notes = [each for each in _notes(file, folder) if each.process.is_alive]
    return notes[0].text(is_alive=True) if len(notes) == 1 else _UNKNOWN


def is_awaited(key: str, folder: LockFolder) -> bool:
    """Whether somebody waits for a board that this process holds.

    Args:
        key: which board.
        folder: where lock files are.
    """
    file = file_of(key)
    with _changed:
        if len(_queues.get(f"{folder.path}/{file}", ())) > 1:
            return True
    looked = folder.status(f"{file}.next")
    return looked is not None and looked[1]


@dataclass(frozen=True, slots=True)
class _Note:
    """What a holder wrote down: its user (the file's owner), its process, and what for."""

    uid: int
    process: ProcessIdentity
    purpose: str

    def text(self, *, is_alive: bool) -> str:
        whose = f" of {user_name(self.uid)}" if self.uid != os.geteuid() else ""
        if self.purpose.endswith(whose):
            whose = ""
        end = "" if is_alive else ", which ended and left a program that goes on"
        who = "this espdeck" if self.process == ProcessIdentity.own() else None
        return f"{self.purpose}{whose} ({who or f'process {self.process.pid}'}{end})"


def _describe(pid: int, notes: Sequence[_Note]) -> str:
    holder = process_info(pid)
    for note in notes:
        if note.process.pid != pid:
            continue
        if holder is None and is_running(pid):  # hidden from this user: told by nobody else
            return note.text(is_alive=True)
        if holder is None or not note.process.is_alive:
            return note.text(is_alive=False)
        if holder.uid == note.uid:
            return note.text(is_alive=True)
    return str(holder) if holder is not None else _UNKNOWN


def _notes(file: str, folder: LockFolder) -> Sequence[_Note]:
    found = []
    for name in folder.names():
        begin, _, uid = name.rpartition(".")
        if begin != f"{file}.held" or not uid.isdigit():
            continue
        kept = folder.read(name)
        if kept is None or str(kept.uid) != uid:
            continue
        first, _, purpose = kept.text.partition("\n")
        process = ProcessIdentity.parse(first)
        if process is not None:
            found.append(_Note(kept.uid, process, clean(purpose.strip())[:MAX_PURPOSE_CHARACTERS]))
    return found


def _note(file: str, uid: int) -> str:
    return f"{file}.held.{uid}"


def file_of(key: str) -> str:
    """What the names of a board's files begin with."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
