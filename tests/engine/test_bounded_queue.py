"""The queue between a thread that never waits and a reader who may be slow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.bounded_queue import BoundedQueue


class Reader:
    """A reader that counts how often it was woken."""

    def __init__(self, limit: int) -> None:
        self.woken = 0
        self.queue = BoundedQueue[str](limit, len, self._wake)

    def _wake(self) -> None:
        self.woken += 1


def test_a_reader_is_woken_once_until_it_takes() -> None:
    reader = Reader(100)
    reader.queue.put("one")
    reader.queue.put("two")

    assert reader.woken == 1
    assert reader.queue.take() == (["one", "two"], 0)
    reader.queue.put("three")
    assert reader.woken == 2


def test_the_oldest_is_dropped_and_counted() -> None:
    reader = Reader(6)
    for item in ("one", "two", "six", "ten"):
        reader.queue.put(item)

    assert reader.queue.take() == (["six", "ten"], 2)
    assert reader.queue.take() == ([], 0)


def test_the_newest_is_kept_however_large_it_is() -> None:
    reader = Reader(3)
    reader.queue.put("a")
    reader.queue.put("larger than may wait")

    assert reader.queue.take() == (["larger than may wait"], 1)


def test_a_closed_queue_takes_nothing_and_is_over_when_it_is_empty() -> None:
    reader = Reader(100)
    reader.queue.put("one")
    reader.queue.close()
    reader.queue.put("two")

    assert not reader.queue.is_over
    assert reader.queue.take() == (["one"], 0)
    assert reader.queue.is_over


@given(st.lists(st.text(min_size=1, max_size=9)), st.integers(1, 40))
def test_nothing_is_lost_without_being_counted(items: list[str], limit: int) -> None:
    reader = Reader(limit)
    for item in items:
        reader.queue.put(item)
    taken, dropped = reader.queue.take()

    assert taken == items[dropped:]
    assert len(taken) == 1 or sum(map(len, taken)) <= limit
