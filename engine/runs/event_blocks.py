"""Events of the past for readers that are behind, read once for all of them.

After a server was away, all its readers come again at once and want nearly the same. Places are cut
into blocks that are kept while there is room; one thread reads at a time, so that the engine has
the rest of the machine.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.runs.stream_events import StreamEvent, StreamFilter
from engine.store import positions
from engine.store.database import Store
from engine.store.tables import EventRow, LogChunk

BLOCK = 256
"""Places of a block."""

MAX_KEPT_BYTES = 16 << 20
"""Text of blocks that are kept, about; the one that was read last is kept in any case."""

_PAGE_ROWS = 500


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in order.

    Args:
        events: those behind a place.
        reached: the place up to which there are no others.
        is_last: whether there was nothing behind them when they were read.
    """

    events: Sequence[StreamEvent]
    reached: int
    is_last: bool


class EventBlocks:
    """What readers that are behind read. Any thread may call it; it may block.

    Args:
        store: has the events.
        events_of: makes events of rows.
    """

    def __init__(
        self,
        store: Store,
        events_of: Callable[[Sequence[LogChunk | EventRow]], Sequence[StreamEvent]],
    ) -> None:
        self._store = store
        self._events_of = events_of
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, bool], Page] = OrderedDict()
        self._bytes = 0

    def page(self, position: int, chosen: StreamFilter) -> Page:
        """Some of the events behind a place, the next ones.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._lock:
            page = (
                self._of_run(position, chosen) if chosen.run_id else self._of_all(position, chosen)
            )
        events = [each for each in page.events if each.position > position and chosen.takes(each)]
        return Page(events, page.reached, page.is_last)

    def _of_run(self, position: int, chosen: StreamFilter) -> Page:
        """Of one run the store finds the few events there are."""
        found = positions.rows_behind(
            *(self._store, position),
            with_logs=chosen.logs,
            run_id=chosen.run_id,
            limit=_PAGE_ROWS,
        )
        return Page(self._events_of(found.rows), found.reached, found.is_last)

    def _of_all(self, position: int, chosen: StreamFilter) -> Page:
        first, last = positions.look_behind(self._store, position, with_logs=chosen.logs)
        if first is None:
            return Page((), max(position, last), is_last=True)
        key = ((first - 1) // BLOCK, chosen.logs)
        block = self._kept.get(key)
        if block is None or block.reached < min(_end_of(key), last):
            block = self._read(key)
        self._kept.move_to_end(key)
        return block

    def _read(self, key: tuple[int, bool]) -> Page:
        number, with_logs = key
        start, end = number * BLOCK, _end_of(key)
        rows, last = positions.rows_between(self._store, start, end, with_logs=with_logs)
        block = Page(self._events_of(rows), min(end, last), is_last=last <= end)
        before = self._kept.pop(key, None)
        self._bytes += _size(block) - (_size(before) if before else 0)
        self._kept[key] = block
        while self._bytes > MAX_KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])
        return block


def _end_of(key: tuple[int, bool]) -> int:
    return key[0] * BLOCK + BLOCK


def _size(block: Page) -> int:
    return sum(event.size for event in block.events)
