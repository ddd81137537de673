"""Bytes between the thread that reads and the one that shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.state.byte_queue import Backlog


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=40), st.integers(1, 200))
def test_what_is_left_out_is_the_oldest_and_is_counted(chunks: list[bytes], limit: int) -> None:
    backlog = Backlog(limit)
    for chunk in chunks:
        backlog.put(chunk)
    waiting = backlog.waiting
    pieces, skipped = backlog.take()
    kept = b"".join(piece.data for piece in pieces)
    whole = b"".join(chunks)
    assert whole.endswith(kept)
    assert len(kept) <= limit
    assert waiting == whole.count(b"\n")
    assert skipped == whole.count(b"\n") - kept.count(b"\n")


def test_it_is_over_when_it_is_closed_and_empty() -> None:
    backlog = Backlog(10)
    backlog.note("hello")
    backlog.close()
    assert not backlog.is_over
    assert [piece.note for piece in backlog.take(timeout=5)[0]] == ["hello"]
    assert backlog.is_over
    assert backlog.take(timeout=5) == ([], 0)
