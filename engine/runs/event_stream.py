"""The stream of events: everything that happens, in one order, for readers outside.

Every event and log chunk has a place among all of the workspace (:mod:`engine.store.positions`). A
reader is a :class:`Subscription`: it gives what is behind its place, once each and in order, from
the store while it is behind and from memory once it is not. One thread reads new rows for all of
them, woken by the journal; it ends nothing, and nobody waits for it or for a reader. What is read
is made text once, however many readers get it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from engine.enums import RunStatus
from engine.errors import NotFoundError
from engine.events import BoardTaken, RunProgress
from engine.runs.event_blocks import EventBlocks, Page
from engine.runs.journal import event_of
from engine.runs.stream_events import Item, Notice, StreamEvent, StreamFilter, event_id, utc_text
from engine.store import positions, runs
from engine.store.database import Store, StoreError
from engine.store.positions import RunFacts, StreamHead
from engine.store.tables import EventRow, LogChunk, Run

MAX_WAITING_EVENTS = 2000
"""Events that wait for a reader at the most."""

MAX_WAITING_BYTES = 4 << 20
"""Text of events that waits for a reader at the most."""

PAGE_ROWS = 500
"""Rows that are read at once."""

_TAIL_EVENTS = 1000
_TAIL_BYTES = 2 << 20
_READ_EVENTS = 200  # that a reader is given at once
_READ_BYTES = 64 << 10
_RETRY_SECONDS = 1.0
_KNOWN_RUNS = 1000
_SHOWN_RUNS = 50  # newest runs that a resync tells of
_MAX_DIGITS = 18  # of a place

_LOG = logging.getLogger("espdeck.stream")


@dataclass(frozen=True, slots=True)
class _Missed:
    count: int
    first: StreamEvent
    last: StreamEvent


class Subscription:
    """One reader of the stream. One thread at a time reads; any may close it.

    Made by :meth:`EventStream.subscribe`.
    """

    def __init__(
        self,
        source: EventStream,
        chosen: StreamFilter,
        notify: Callable[[Sequence[Subscription]], None],
        cursor: int,
        *,
        stale: str,
    ) -> None:
        self.filter = chosen
        self.notify = notify
        self._source = source
        self._lock = threading.Lock()
        self._cursor = cursor
        self._waiting: deque[StreamEvent] = deque()
        self._bytes = 0
        self._stale = stale  # why it cannot go on where it was; empty for it can
        self._missed: _Missed | None = None
        self._is_live = False
        self.is_closed = False

    @property
    def id(self) -> str:
        """Where it is: what is behind that comes next."""
        return event_id(self._source.name, self._cursor)

    @property
    def cursor(self) -> int:
        """The place up to which it has all."""
        return self._cursor

    @property
    def is_stale(self) -> bool:
        """Whether it cannot go on where it was, and has not been told so."""
        return bool(self._stale)

    @property
    def reads_store(self) -> bool:
        """Whether the next :meth:`read` reads the store: it takes milliseconds, and may wait."""
        return not self._is_live or self._missed is not None

    def read(self) -> list[Item]:
        """What comes next.

        Returns:
            Nothing while there is nothing new and :attr:`reads_store` is false: ``notify`` is
            called when there is. While :attr:`reads_store` is true, nothing only means to read on.

        Raises:
            StoreError: the store cannot be read; read again later.
        """
        if self.is_closed:
            return []
        if self._missed is not None or self._stale:
            return self._start_anew()
        if not self._is_live and not self._source.join(self, at_head=False):
            page = self._source.page(self._cursor, self.filter)
            self._cursor = page.reached
            if page.events or not page.is_last or not self._source.join(self, at_head=True):
                return list(page.events)
        return list(self._take())

    def close(self) -> None:
        """Read no more. Returns at once."""
        self.is_closed = True
        self._source.forget_closed()

    def _take(self) -> list[StreamEvent]:
        taken: list[StreamEvent] = []
        size = 0
        with self._lock:
            while self._waiting and len(taken) < _READ_EVENTS and size < _READ_BYTES:
                event = self._waiting.popleft()
                taken.append(event)
                size += event.size
                self._cursor = event.position
            self._bytes -= size
        return taken

    def _start_anew(self) -> list[Item]:
        """Tell what was missed and how runs stand now, and go on with what comes from now on."""
        head = self._source.head()
        with self._lock:
            missed, self._missed = self._missed, None
            reason, self._stale = self._stale or "lagged", ""
            self._cursor = max(head.last, missed.last.position if missed else 0)
        try:
            # What happens while this is read is told of twice, not never.
            resync = self._source.resync(self.filter, self._cursor, reason)
        except StoreError:
            self._still_missed(missed, reason)
            raise
        if missed is None:
            return [resync]
        return [self._source.lagged(missed.count, missed.first.id, missed.last.id), resync]

    def _still_missed(self, missed: _Missed | None, reason: str) -> None:
        """Have told the next time what could not be told now."""
        with self._lock:
            if missed is None:
                self._stale = reason
                return
            waiting = len(self._waiting)
            last = self._waiting[-1] if self._waiting else missed.last
            self._missed = _Missed(missed.count + waiting, missed.first, last)
            self._waiting.clear()
            self._bytes = 0

    # Called by the stream:

    def go_live(self, tail: Sequence[StreamEvent]) -> None:
        """Take what comes from now on; ``tail`` came before and may be new to it."""
        self._is_live = True
        for event in tail:
            self.offer(event)

    def offer(self, event: StreamEvent) -> bool:
        """Have an event wait for the reader, if it is one for it; whether it is."""
        if not self.filter.takes(event):
            return False
        with self._lock:
            if not self._is_live or event.position <= self._cursor:
                return False
            if self._missed is not None:
                self._missed = _Missed(self._missed.count + 1, self._missed.first, event)
            elif self._waiting and (
                len(self._waiting) >= MAX_WAITING_EVENTS
                or self._bytes + event.size > MAX_WAITING_BYTES
            ):
                self._overflow(event)
            else:
                self._waiting.append(event)
                self._bytes += event.size
        return True

    def _overflow(self, event: StreamEvent) -> None:
        self._missed = _Missed(len(self._waiting) + 1, self._waiting[0], event)
        self._waiting.clear()
        self._bytes = 0


class EventStream:
    """All events of a workspace for readers outside. Any thread may call it.

    Args:
        store: has them.
        now: the clock of notices.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._news = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()  # of what follows
        self._live: list[Subscription] = []
        self._position = 0  # up to which rows were given to those
        self._with_logs = False
        self._tail: deque[StreamEvent] = deque()  # the last that were given
        self._tail_bytes = 0
        self._tail_start = 0  # behind which the tail has all
        self._thread: threading.Thread | None = None
        self._name = ""
        self._blocks = EventBlocks(store, self._events)
        self._facts = lru_cache(maxsize=_KNOWN_RUNS)(self._read_facts)

    @property
    def name(self) -> str:
        """Names the sequence of places."""
        return self._name

    @property
    def readers(self) -> int:
        """How many get what comes from now on."""
        with self._lock:
            return len(self._live)

    def subscribe(
        self,
        chosen: StreamFilter,
        notify: Callable[[Sequence[Subscription]], None],
        after: str = "",
    ) -> Subscription:
        """A new reader.

        Args:
            chosen: what it gets.
            notify: called, from any thread, with the subscriptions that have something to read;
                those that have the same function are told at once. It hands over and returns.
            after: id of the last event that it has; ``0`` gives all that are kept, empty what
                comes from now on. One that cannot be gone on from gives a resync first.

        Raises:
            StoreError: the store cannot be read.
        """
        head = self.head()
        cursor, stale = _resume(after, head)
        return Subscription(self, chosen, notify, cursor, stale=stale)

    def wake(self) -> None:
        """There may be new rows. Returns at once."""
        self._news.set()

    def close(self) -> None:
        """Read no more; readers get nothing from now on."""
        self._closed.set()
        self._news.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(_RETRY_SECONDS)

    def hello(self, reader: Subscription) -> Notice:
        """The first that a reader is told: where it is, so that it can go on from there.

        One that a resync waits for is not told: it would come again without.
        """
        return Notice("hello", "" if reader.is_stale else reader.id, self._now(), {})

    def lagged(self, count: int, first: str, last: str) -> Notice:
        """That a reader was too slow."""
        body = {"missed": count, "from_id": first, "to_id": last}
        return Notice("lagged", "", self._now(), body)

    def resync(self, chosen: StreamFilter, position: int, reason: str) -> Notice:
        """How runs stand now.

        Raises:
            StoreError: the store cannot be read.
        """
        states = [self._state(run) for run in self._shown(chosen)]
        body = {"reason": reason, "runs": states}
        return Notice("resync", event_id(self._name, position), self._now(), body)

    def head(self) -> StreamHead:
        """How far the sequence is.

        Raises:
            StoreError: the store cannot be read.
        """
        head = positions.stream_head(self._store)
        self._name = head.stream
        return head

    def page(self, position: int, chosen: StreamFilter) -> Page:
        """Some of the events behind a place, from the store.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._blocks.page(position, chosen)

    def join(self, reader: Subscription, *, at_head: bool) -> bool:
        """Give a reader what comes from now on, if it has all that came before, or the tail does.

        Args:
            at_head: whether it has all that was in the store a moment ago.

        Returns:
            Whether it does.
        """
        with self._lock:
            self._drop_closed()
            cursor = reader.cursor
            if not self._live:
                if not at_head:
                    return False
                self._position = cursor
                self._with_logs = reader.filter.logs
                self._clear_tail()
            elif reader.filter.logs and not self._with_logs:
                if cursor < self._position:
                    return False
                self._with_logs = True
                self._clear_tail()
            elif cursor < self._tail_start:
                return False
            reader.go_live(self._tail)
            self._live.append(reader)
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(
                    target=self._follow, name="event-stream", daemon=True
                )
                self._thread.start()
        self._news.set()  # what was written meanwhile
        return True

    def forget_closed(self) -> None:
        """Somebody reads no more."""
        self._news.set()

    def _follow(self) -> None:
        while not self._closed.is_set():
            self._news.wait()
            self._news.clear()
            try:
                while not self._closed.is_set() and self._give_page():
                    pass
            except StoreError:
                if not self._closed.wait(_RETRY_SECONDS):
                    self._news.set()
            except Exception:
                _LOG.exception("event stream")
                self._closed.wait(_RETRY_SECONDS)

    def _give_page(self) -> bool:
        """Read new rows and give them to readers; whether there may be more."""
        with self._lock:
            self._drop_closed()
            if not self._live:
                self._clear_tail()
                return False
            position, with_logs = self._position, self._with_logs
        found = positions.rows_behind(self._store, position, with_logs=with_logs, limit=PAGE_ROWS)
        events = self._events(found.rows)
        told: dict[Callable[[Sequence[Subscription]], None], list[Subscription]] = {}
        with self._lock:
            if (self._with_logs and not with_logs) or self._position != position:
                return True  # somebody came who needs more than was read
            self._position = found.reached
            for event in events:
                self._keep(event)
            for reader in self._live:
                new = [reader.offer(event) for event in events]
                if any(new):
                    told.setdefault(reader.notify, []).append(reader)
        for notify, readers in told.items():
            notify(readers)
        return not found.is_last

    def _keep(self, event: StreamEvent) -> None:
        self._tail.append(event)
        self._tail_bytes += event.size
        while len(self._tail) > _TAIL_EVENTS or self._tail_bytes > _TAIL_BYTES:
            oldest = self._tail.popleft()
            self._tail_bytes -= oldest.size
            self._tail_start = oldest.position

    def _clear_tail(self) -> None:
        self._tail.clear()
        self._tail_bytes = 0
        self._tail_start = self._position

    def _drop_closed(self) -> None:
        self._live = [reader for reader in self._live if not reader.is_closed]
        self._with_logs = any(reader.filter.logs for reader in self._live)

    def _events(self, rows: Sequence[LogChunk | EventRow]) -> list[StreamEvent]:
        """Events of rows, without those of a kind of a newer version."""
        return [event for event in map(self._event, rows) if event is not None]

    def _event(self, row: LogChunk | EventRow) -> StreamEvent | None:
        event = event_of(row)
        if event is None:
            return None
        if isinstance(event, BoardTaken):
            self._facts.cache_clear()  # its run has another board now
        facts = self._facts(row.run_id) if row.run_id else None
        return StreamEvent(event, row.position, self._name, facts)

    def _read_facts(self, run_id: int) -> RunFacts | None:
        return positions.run_facts(self._store, run_id)

    def _shown(self, chosen: StreamFilter) -> list[Run]:
        """Runs that a reader wants to know of: those that have not ended, and the newest."""
        if chosen.run_id is not None:
            try:
                return [runs.get_run(self._store, chosen.run_id, "run")]
            except NotFoundError:
                return []  # it was removed
        newest = runs.list_runs(self._store, kind=None, limit=_SHOWN_RUNS)
        found = {run.number: run for run in (*runs.unfinished_runs(self._store), *newest)}
        return [
            run
            for _, run in sorted(found.items())
            if chosen.project_id in ("", str(run.project_id))
            and (not chosen.board or self._is_on(run, chosen.board))
        ]

    def _is_on(self, run: Run, board: str) -> bool:
        facts = self._facts(run.number)
        return facts is not None and facts.board == board

    def _state(self, run: Run) -> dict[str, Any]:
        state: dict[str, Any] = {
            "job_id": str(run.number),
            "kind": run.kind,
            "project_id": str(run.project_id) if run.project_id else None,
            "status": run.status,
            "started_at": utc_text(run.started_at) if run.started_at else None,
            "completed_at": utc_text(run.completed_at) if run.completed_at else None,
            "duration": run.duration,
            "error": run.error,
        }
        if run.status is RunStatus.RUNNING:
            row = positions.latest_of_kind(self._store, run.number, RunProgress.kind)
            state["progress"] = row.body.get("percent") if row else 0.0
            state["phase"] = row.body.get("phase") if row else ""
            state["agents"] = [
                {"agent": stage.agent, "stage": stage.key, "stage_status": stage.status}
                for stage in runs.stages_of(self._store, run.number)
            ]
        return state


def _resume(after: str, head: StreamHead) -> tuple[int, str]:
    """The place that a reader goes on from, and why it cannot; empty for it can."""
    if not after:
        return head.last, ""
    if after == "0":
        return 0, ""
    named, _, digits = after.rpartition("-")
    if named != head.stream or not digits.isascii() or not digits.isdigit():
        return head.last, "unknown"
    position = int(digits) if len(digits) <= _MAX_DIGITS else head.last + 1
    if position > head.last:
        return head.last, "unknown"
    if position < head.removed:
        return head.last, "expired"
    return position, ""
