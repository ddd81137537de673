"""What is asked of the sequence of all events and chunks: places, and what came after one.

A place is given within the transaction that writes the row, and a database has one writer at a
time: the order of places is the order in which rows could be read first, whichever process wrote
them. A reader who has all up to a place misses nothing by asking for what is behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from engine.events import BoardTaken
from engine.store.database import Store
from engine.store.tables import EventRow, LogChunk, Run, StreamPosition

_TAKE = text("UPDATE stream_position SET last = last + :count WHERE id = 1 RETURNING last")
_BEGIN = text(
    "INSERT OR IGNORE INTO stream_position (id, last, removed, stream) SELECT 1, max("
    " coalesce((SELECT max(position) FROM event), 0),"
    " coalesce((SELECT max(position) FROM log_chunk), 0)), 0, lower(hex(randomblob(4)))"
)
_NOTE_REMOVED = text("UPDATE stream_position SET removed = max(removed, :position) WHERE id = 1")


@dataclass(frozen=True, slots=True)
class StreamHead:
    """How far the sequence is.

    Args:
        stream: names the sequence.
        last: the last place that was given, 0 for none.
        removed: the last place whose row was removed, 0 for none.
    """

    stream: str
    last: int
    removed: int


@dataclass(frozen=True, slots=True)
class StreamPage:
    """Rows in the order of their places.

    Args:
        rows: some of those behind the place that was asked for.
        reached: the place up to which there are no others.
        is_last: whether there was nothing behind them when they were read.
    """

    rows: Sequence[LogChunk | EventRow]
    reached: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What readers choose events by.

    Args:
        project_id: empty for none.
        board: the one that the run had last, else what was asked for.
    """

    project_id: str
    board: str


def give_positions(session: Session, rows: Sequence[LogChunk | EventRow]) -> None:
    """Give rows the next places, in their order; they are written in the same transaction."""
    last = session.execute(_TAKE, {"count": len(rows)}).scalar()
    if last is None:
        session.execute(_BEGIN)
        last = session.execute(_TAKE, {"count": len(rows)}).scalar_one()
    for position, row in enumerate(rows, last - len(rows) + 1):
        row.position = position


def note_removed(session: Session, position: int) -> None:
    """Remember that a row is removed in the same transaction; 0 for one without a place."""
    if position:
        session.execute(_NOTE_REMOVED, {"position": position})


def stream_head(store: Store) -> StreamHead:
    """How far the sequence is; begins it where nothing was written yet."""
    with store.read() as session:
        row = session.get(StreamPosition, 1)
    if row is None:
        with store.write() as session:
            session.execute(_BEGIN)
        with store.read() as session:
            row = session.get_one(StreamPosition, 1)
    return StreamHead(row.stream, row.last, row.removed)


def rows_behind(
    store: Store, position: int, *, with_logs: bool, run_id: int | None = None, limit: int = 500
) -> StreamPage:
    """What was written behind a place, in order.

    Args:
        with_logs: also chunks of logs.
        run_id: only of this run.
        limit: rows at the most.
    """
    events = select(EventRow).where(EventRow.position > position)
    chunks = select(LogChunk).where(LogChunk.position > position)
    if run_id is not None:
        events = events.where(EventRow.run_id == run_id)
        chunks = chunks.where(LogChunk.run_id == run_id)
    rows: list[LogChunk | EventRow] = []
    with store.read() as session:
        last = session.exec(select(StreamPosition.last)).first() or 0
        rows += session.exec(events.order_by(col(EventRow.position)).limit(limit)).all()
        if with_logs:
            rows += session.exec(chunks.order_by(col(LogChunk.position)).limit(limit)).all()
    if len(rows) < limit:
        rows.sort(key=lambda row: row.position)
        return StreamPage(rows, max(last, position), is_last=True)
    # Beyond these there may be some of the other table that were not read yet.
    rows.sort(key=lambda row: row.position)
    del rows[limit:]
    return StreamPage(rows, rows[-1].position, is_last=False)


def rows_between(
    store: Store, after: int, last: int, *, with_logs: bool
) -> tuple[Sequence[LogChunk | EventRow], int]:
    """Rows behind a place, up to another one, in order; and the last place that was given by now.

    Args:
        with_logs: also chunks of logs.
    """
    events = select(EventRow).where(EventRow.position > after, EventRow.position <= last)
    chunks = select(LogChunk).where(LogChunk.position > after, LogChunk.position <= last)
    rows: list[LogChunk | EventRow] = []
    with store.read() as session:
        given = session.exec(select(StreamPosition.last)).first() or 0
        rows += session.exec(events).all()
        if with_logs:
            rows += session.exec(chunks).all()
    rows.sort(key=lambda row: row.position)
    return rows, given


def look_behind(store: Store, position: int, *, with_logs: bool) -> tuple[int | None, int]:
    """The first place behind one that has a row, None where there is none; and the last place.

    Args:
        with_logs: also of chunks of logs.
    """
    firsts = [select(func.min(EventRow.position)).where(EventRow.position > position)]
    if with_logs:
        firsts.append(select(func.min(LogChunk.position)).where(LogChunk.position > position))
    with store.read() as session:
        last = session.exec(select(StreamPosition.last)).first() or 0
        found = [session.exec(each).one() for each in firsts]
    return min((each for each in found if each is not None), default=None), last


def run_facts(store: Store, run_id: int) -> RunFacts | None:
    """What readers choose a run's events by; None for no such run."""
    with store.read() as session:
        found = session.exec(select(Run.project_id, Run.board).where(Run.id == run_id)).first()
    if found is None:
        return None
    taken = latest_of_kind(store, run_id, BoardTaken.kind)
    return RunFacts(str(found[0] or ""), taken.body["board"] if taken else found[1])


def latest_of_kind(store: Store, run_id: int, kind: str) -> EventRow | None:
    """The last event of a kind in a run."""
    with store.read() as session:
        return session.exec(
            select(EventRow)
            .where(EventRow.run_id == run_id, EventRow.kind == kind)
            .order_by(col(EventRow.seq).desc())
            .limit(1)
        ).first()
