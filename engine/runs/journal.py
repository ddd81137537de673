"""The journal: events and logs on their way to the store, and back from other processes.

Stages publish on the bus; the journal, the bus's first subscriber, queues what they say and one
thread writes it in batches. A second thread looks for what other processes on the same workspace
wrote and relays it into this process's bus: when the database's file changes and SQLite's
``data_version`` says that somebody committed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError

from engine import events
from engine.events import Bus, Event, Log, Partial, ProjectLooked, Serial
from engine.folder_watch import FolderWatch
from engine.store import logs
from engine.store.database import Store, StoreError
from engine.store.tables import EventRow, LogChunk

FLUSH_SECONDS = 0.1
"""Seconds between two writes."""

QUEUE_BYTES = 16 << 20
"""Text that may wait to be written; a stage that floods beyond it waits for the disk."""

RELAY_SECONDS = 0.1
"""Seconds between two looks at what other processes wrote, while they write."""

REST_SECONDS = 5.0
"""Seconds between two looks while nothing changes."""

_ECHO_SECONDS = (0.02, 0.2)
"""How long after a change the database is looked at again: what was written is seen a moment
later."""

_MERGE_BYTES = 64 << 10

_LOG = logging.getLogger("espdeck.journal")


class Journal:
    """Writes what this process publishes; relays what other processes publish."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        on_change: Callable[[], None] = lambda: None,
        on_rows: Callable[[], None] = lambda: None,
    ) -> None:
        """Know the store; nothing is written or relayed before :meth:`start`.

        Args:
            on_change: called in the journal's thread after another process wrote something.
            on_rows: called as soon as there may be new rows, of whatever process; any thread. It
                hands over and returns at once.
        """
        self._store = store
        self._bus = bus
        self._writer = uuid.uuid4().hex[:12]
        self._queue: deque[LogChunk | EventRow] = deque()
        self._bytes = 0
        self._pending = threading.Condition()
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._full = False
        self._relaying = threading.local()
        self._seen = logs.last_ids(store)
        database = store.path.name
        self._changes = FolderWatch(store.path.parent, (database, f"{database}-wal"), _ECHO_SECONDS)
        self._on_change = on_change
        self._on_rows = on_rows
        self._unsubscribe = bus.subscribe(self._enqueue)
        self._threads = [
            threading.Thread(target=self._write_loop, name="journal-write", daemon=True),
            threading.Thread(target=self._relay_loop, name="journal-relay", daemon=True),
        ]

    def start(self) -> None:
        """Begin to write and to relay."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Write what is left and stop."""
        self._closed.set()
        self._changes.close()
        with self._pending:
            self._pending.notify_all()
        started = [thread for thread in self._threads if thread.ident is not None]
        for thread in started:
            thread.join(5)
        if not started:
            self._changes.release()
        self._unsubscribe()
        with contextlib.suppress(StoreError):
            self.flush()

    def flush(self) -> None:
        """Write everything that was published until now.

        Raises:
            StoreError: the disk is full or the database cannot be written.
        """
        with self._writing:
            with self._pending:
                batch = _merge(self._queue)
                self._queue.clear()
                self._bytes = 0
                self._pending.notify_all()
            if not batch:
                return
            try:
                logs.append(self._store, batch)
            except StoreError as error:
                if not _is_for_good(error):
                    self._put_back(batch)
                    raise
                self._write_singly(batch)
        self._on_rows()

    def _write_singly(self, batch: Sequence[LogChunk | EventRow]) -> None:
        """Write what can be written of a batch in which something never can be."""
        rows = _fresh(batch)
        for place, row in enumerate(rows):
            try:
                logs.append(self._store, [row])
            except StoreError as error:
                if not _is_for_good(error):
                    self._put_back(rows[place:])
                    raise
                # Of a run that was removed meanwhile, for instance.
                _LOG.warning("left out of the journal: %s", error)

    def _put_back(self, batch: Sequence[LogChunk | EventRow]) -> None:
        rows = _fresh(batch)
        with self._pending:
            self._queue.extendleft(reversed(rows))
            self._bytes += sum(map(_size, rows))

    def _enqueue(self, event: Event) -> None:
        if getattr(self._relaying, "now", False) or isinstance(event, Partial | ProjectLooked):
            return
        row: LogChunk | EventRow
        if isinstance(event, Log):
            row = LogChunk(
                run_id=event.run_id,
                stage=event.stage,
                attempt=event.attempt,
                stream=event.kind,
                agent=event.agent,
                seq=event.seq,
                first_line=event.first_line,
                lines=event.text.count("\n"),
                text=event.text,
                writer=self._writer,
                at=event.at,
            )
        else:
            row = EventRow(
                run_id=event.run_id,
                seq=event.seq,
                kind=event.kind,
                at=event.at,
                body=event.body(),
                writer=self._writer,
            )
        with self._pending:
            self._queue.append(row)
            self._bytes += _size(row)
            if len(self._queue) == 1:
                self._pending.notify_all()

    def make_room(self, stopped: Callable[[], bool]) -> None:
        """Wait while too much text waits to be written; returns at once when ``stopped``."""
        with self._pending:
            while self._bytes > QUEUE_BYTES and not stopped() and not self._closed.is_set():
                self._pending.wait(0.1)

    def _write_loop(self) -> None:
        while not self._closed.is_set():
            with self._pending:
                while not self._queue and not self._closed.is_set():
                    self._pending.wait(1.0)
            self._closed.wait(FLUSH_SECONDS)
            try:
                self.flush()
                self._full = False
            except StoreError as error:
                if not self._full:
                    self._full = True
                    self._bus.relay(events.Problem(message=f"logs wait to be written: {error}"))
                self._drop_oldest()
                self._closed.wait(1.0)
            except Exception:
                _LOG.exception("journal")

    def _drop_oldest(self) -> None:
        # Nothing can be written: keep the newest text within the bound instead of all memory.
        with self._pending:
            while self._bytes > QUEUE_BYTES and self._queue:
                self._bytes -= _size(self._queue.popleft())

    def _relay_loop(self) -> None:
        while not self._changes.pause(0):
            try:
                with self._store.watch() as data_version:
                    self._relay_changes(data_version)
            except StoreError:
                self._changes.pause(1.0)
            except Exception:
                _LOG.exception("relay")
                self._changes.pause(1.0)
        self._changes.release()

    def _relay_changes(self, data_version: Callable[[], int]) -> None:
        seen = -1
        while not self._changes.pause(0):
            current = data_version()
            if current != seen:
                seen = current
                self._on_rows()
                self._relay()
                self._changes.pause(RELAY_SECONDS)
            self._changes.wait(REST_SECONDS)

    def _relay(self) -> None:
        more = True
        while more and not self._closed.is_set():
            chunks, rows = logs.rows_after(self._store, *self._seen)
            self._seen = (
                max((row.id or 0 for row in chunks), default=self._seen[0]),
                max((row.id or 0 for row in rows), default=self._seen[1]),
            )
            more = bool(chunks or rows)
            rows_of_all: list[LogChunk | EventRow] = [*chunks, *rows]
            foreign = [row for row in rows_of_all if row.writer != self._writer]
            self._relaying.now = True
            for row in sorted(foreign, key=lambda row: (row.run_id, row.seq)):
                event = event_of(row)
                if event is not None:
                    self._bus.relay(event)
            self._relaying.now = False
        self._on_change()


def _is_for_good(error: StoreError) -> bool:
    """Whether trying again later cannot help: it is the row, not the disk or another writer."""
    return isinstance(error.__cause__, IntegrityError | DataError | InterfaceError)


def event_of(row: LogChunk | EventRow) -> Event | None:
    """The event that a row of the store was; None for one of another version."""
    if isinstance(row, EventRow):
        try:
            return events.from_body(row.kind, row.body, run_id=row.run_id, seq=row.seq, at=row.at)
        except (LookupError, TypeError, ValueError):
            return None  # a field or a word that this one does not know
    cls = Serial if row.stream == Serial.kind else Log
    return cls(
        run_id=row.run_id,
        seq=row.seq,
        stage=row.stage,
        attempt=row.attempt,
        agent=row.agent,
        first_line=row.first_line,
        text=row.text,
        **({"at": row.at} if row.at else {}),
    )


def _size(row: LogChunk | EventRow) -> int:
    return len(row.text) if isinstance(row, LogChunk) else 256


def _merge(queue: deque[LogChunk | EventRow]) -> list[LogChunk | EventRow]:
    """Join neighbouring chunks of one log, so that a batch is a few rows."""
    merged: list[LogChunk | EventRow] = []
    open_chunk: dict[tuple[int, str, int, str], LogChunk] = {}
    for row in queue:
        if isinstance(row, LogChunk):
            key = (row.run_id, row.stage, row.attempt, row.stream)
            last = open_chunk.get(key)
            if (
                last is not None
                and last.first_line + last.lines == row.first_line
                and len(last.text) < _MERGE_BYTES
            ):
                last.text += row.text
                last.lines += row.lines
                continue
            open_chunk[key] = row
        merged.append(row)
    return merged


def _fresh(batch: Sequence[LogChunk | EventRow]) -> list[LogChunk | EventRow]:
    """The rows again, unbound from the session that could not write them."""
    return [type(row)(**row.model_dump(exclude={"id"})) for row in batch]


def wait_until(
    done: Callable[[], bool], bus: Bus, timeout: float | None, *after: type[Event]
) -> bool:
    """Wait until ``done``, asked again after each event of some kinds; False when time ran out."""
    changed = threading.Event()

    def take(event: Event) -> None:
        if isinstance(event, after):
            changed.set()

    unsubscribe = bus.subscribe(take)
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        while not done():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            changed.wait(1.0 if left is None else min(1.0, left))
            changed.clear()
        return True
    finally:
        unsubscribe()
