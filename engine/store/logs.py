"""What is asked of logs and events: written in batches, read by range, searched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from engine.enums import RunStatus
from engine.events import RunChanged, Serial
from engine.store.database import Store
from engine.store.positions import give_positions
from engine.store.tables import EventRow, LogChunk

MAX_LOG_MATCHES = 1000
"""Lines that one search gives at the most."""


REPLAY_ROWS = 200
"""Rows that a replay reads at once."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """One log: ``stream`` is ``log`` (what the agent did) or ``serial`` (what firmware printed)."""

    run_id: int
    stage: str
    attempt: int
    stream: str


@dataclass(frozen=True, slots=True)
class LogExtent:
    """Which lines a log has: from ``first`` on, before ``end``."""

    key: LogKey
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class LogMatch:
    """A line that a search found; ``line`` counts from 0 within its log."""

    key: LogKey
    line: int
    text: str


def append(store: Store, rows: Sequence[LogChunk | EventRow]) -> None:
    """Write chunks and events, all or none; each gets the next place of all of the workspace."""
    with store.write() as session:
        give_positions(session, rows)
        session.add_all(rows)


def last_seq(store: Store, run_id: int) -> int:
    """The highest sequence number of a run's chunks and events, 0 before the first."""
    with store.read() as session:
        chunk = session.exec(select(func.max(LogChunk.seq)).where(LogChunk.run_id == run_id)).one()
        event = session.exec(select(func.max(EventRow.seq)).where(EventRow.run_id == run_id)).one()
    return max(chunk or 0, event or 0)


def last_serial_lines(store: Store, run_ids: Collection[int], stage: str) -> Mapping[int, str]:
    """What firmware printed last in a stage of some runs, by run; runs without are left out."""
    newest = (
        select(func.max(LogChunk.id))
        .where(col(LogChunk.run_id).in_(run_ids), LogChunk.stage == stage)
        .where(LogChunk.stream == Serial.kind)
        .group_by(col(LogChunk.run_id))
    )
    query = select(LogChunk.run_id, LogChunk.text).where(col(LogChunk.id).in_(newest))
    with store.read() as session:
        texts = dict(session.exec(query).all())
    return {
        number: next((line for line in reversed(split_lines(text)) if line.strip()), "")
        for number, text in texts.items()
    }


def line_count(store: Store, key: LogKey) -> int:
    """How many lines a log has."""
    with store.read() as session:
        last = session.exec(_of(key).order_by(col(LogChunk.first_line).desc()).limit(1)).first()
    return last.first_line + last.lines if last else 0


def read_lines(store: Store, key: LogKey, first: int = 0, count: int | None = None) -> list[str]:
    """Lines of a log by range, without their ends.

    Args:
        first: the first line wanted, from 0.
        count: how many at the most; None is all that follow.
    """
    query = _of(key).where(LogChunk.first_line + LogChunk.lines > first)
    if count is not None:
        query = query.where(LogChunk.first_line < first + count)
    lines: list[str] = []
    with store.read() as session:
        for chunk in session.exec(query.order_by(col(LogChunk.first_line))):
            skip = max(0, first - chunk.first_line)
            lines += split_lines(chunk.text)[skip:]
    return lines if count is None else lines[:count]


def search(store: Store, run_id: int, text: str, *, limit: int = MAX_LOG_MATCHES) -> list[LogMatch]:
    """Lines of any log of a run that contain ``text``, whatever its case (ASCII), in order."""
    wanted = text.lower()
    query = (
        select(LogChunk)
        .where(LogChunk.run_id == run_id)
        .where(func.instr(func.lower(LogChunk.text), wanted) > 0)
        .order_by(col(LogChunk.seq))
    )
    matches: list[LogMatch] = []
    with store.read() as session:
        for chunk in session.exec(query):
            key = LogKey(run_id, chunk.stage, chunk.attempt, chunk.stream)
            for number, line in enumerate(split_lines(chunk.text), chunk.first_line):
                if wanted in line.lower():
                    matches.append(LogMatch(key, number, line))
                    if len(matches) == limit:
                        return matches
    return matches


def logs_of(store: Store, run_id: int) -> list[LogKey]:
    """Every log that a run has, in the order in which they began."""
    return [each.key for each in log_extents(store, run_id)]


def log_extents(store: Store, run_id: int, *, after: int = 0) -> list[LogExtent]:
    """Which lines each log of a run has, in the order in which they began.

    Args:
        after: sequence number of an event; of a log that was written to after it, the lines from
            there on are told.
    """
    query = (
        select(  # type: ignore[call-overload] # it knows no more than four columns
            LogChunk.stage,
            LogChunk.attempt,
            LogChunk.stream,
            func.min(LogChunk.first_line),
            func.min(case((col(LogChunk.seq) > after, LogChunk.first_line))),
            func.max(LogChunk.first_line + LogChunk.lines),
        )
        .where(LogChunk.run_id == run_id)
        .group_by(LogChunk.stage, col(LogChunk.attempt), LogChunk.stream)
        .order_by(func.min(LogChunk.seq))
    )
    with store.read() as session:
        rows = session.exec(query).all()
    return [
        LogExtent(LogKey(run_id, *key), first if newer is None else newer, end)
        for *key, first, newer, end in rows
    ]


def asked_seq(store: Store, run_id: int) -> int:
    """The sequence number of the event with which a run was asked for last; 0 for none."""
    query = (
        select(func.max(EventRow.seq))
        .where(EventRow.run_id == run_id, EventRow.kind == RunChanged.kind)
        .where(col(EventRow.body)["status"].as_string() == RunStatus.PENDING)
    )
    with store.read() as session:
        return session.exec(query).one() or 0


def rows_after(
    store: Store, chunk_id: int, event_id: int, *, limit: int = 500
) -> tuple[Sequence[LogChunk], Sequence[EventRow]]:
    """Chunks and events written after the ones given, by id: what another process published."""
    with store.read() as session:
        chunks = session.exec(
            select(LogChunk)
            .where(col(LogChunk.id) > chunk_id)
            .order_by(col(LogChunk.id))
            .limit(limit)
        ).all()
        events = session.exec(
            select(EventRow)
            .where(col(EventRow.id) > event_id)
            .order_by(col(EventRow.id))
            .limit(limit)
        ).all()
    return chunks, events


def last_ids(store: Store) -> tuple[int, int]:
    """The newest ids of chunks and of events."""
    with store.read() as session:
        chunk = session.exec(select(func.max(LogChunk.id))).one()
        event = session.exec(select(func.max(EventRow.id))).one()
    return chunk or 0, event or 0


def replay(store: Store, run_id: int, *, after: int = 0) -> Iterator[LogChunk | EventRow]:
    """Chunks and events of a run in the order in which they happened, some at a time."""
    while True:
        chunks = select(LogChunk).where(LogChunk.run_id == run_id, LogChunk.seq > after)
        events = select(EventRow).where(EventRow.run_id == run_id, EventRow.seq > after)
        with store.read() as session:
            some = session.exec(chunks.order_by(col(LogChunk.seq)).limit(REPLAY_ROWS)).all()
            others = session.exec(events.order_by(col(EventRow.seq)).limit(REPLAY_ROWS)).all()
        rows: list[LogChunk | EventRow] = [*some, *others]
        if not rows:
            return
        rows.sort(key=lambda row: row.seq)
        # Beyond these there may be some of the other table that were not read yet.
        del rows[REPLAY_ROWS:]
        yield from rows
        after = rows[-1].seq


def split_lines(text: str) -> list[str]:
    """Lines of a chunk: only a newline ends one, whatever else firmware sends."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _of(key: LogKey) -> SelectOfScalar[LogChunk]:
    return (
        select(LogChunk)
        .where(LogChunk.run_id == key.run_id)
        .where(LogChunk.stage == key.stage)
        .where(LogChunk.attempt == key.attempt)
        .where(LogChunk.stream == key.stream)
    )
