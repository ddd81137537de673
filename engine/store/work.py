"""Everything that runs or waits, with how far it came, read at once."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from engine.enums import RunKind, RunStatus
from engine.events import BoardTaken, RunChanged, RunProgress
from engine.store.database import Store
from engine.store.tables import EventRow, Project, Run, StageRow, Task

UNFINISHED = (RunStatus.RUNNING, RunStatus.PENDING)

_LONG_COLUMNS = {"build_output": "", "test_results": None, "notes": (), "repeats": None}
"""What no list shows and may be long, and what stands in its place."""


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that waits or is carried out.

    Args:
        run: itself, without what may be long.
        project: name of its project, empty for none.
        task: what was asked of it, None for a build.
        stages: how far one that is carried out came.
        progress: the body of its last event of how far it is; None for none yet.
        board: the board that a stage took last, with stage and attempt; None for none.
        turn: place of the event that says that it stands as it does: sorts those that wait.
        since: when that was: when it was asked for last, or began or went on last.
    """

    run: Run
    project: str
    task: Task | None
    stages: tuple[StageRow, ...]
    progress: Mapping[str, Any] | None
    board: Mapping[str, Any] | None
    turn: int
    since: datetime


def unfinished(
    store: Store, statuses: Collection[RunStatus] = UNFINISHED
) -> Sequence[UnfinishedRun]:
    """Every run that waits or is carried out, by number.

    Args:
        statuses: only those that stand so.
    """
    is_wanted = col(Run.status).in_(statuses)
    with store.read() as session:
        runs = _brief_runs(session, is_wanted)
        if not runs:
            return []
        mine = select(Run.id).where(is_wanted)
        projects: dict[uuid.UUID | None, str] = dict(
            session.exec(
                select(Project.id, Project.name).where(
                    col(Project.id).in_(select(Run.project_id).where(is_wanted))
                )
            ).all()
        )
        tasks = {
            row.run_id: row for row in session.exec(select(Task).where(col(Task.run_id).in_(mine)))
        }
        stages: dict[int, list[StageRow]] = {number: [] for number in runs}
        for row in session.exec(
            select(StageRow)
            .where(col(StageRow.run_id).in_(mine.where(Run.status == RunStatus.RUNNING)))
            .order_by(col(StageRow.id))
        ):
            stages[row.run_id].append(row)
        newest = (
            select(func.max(EventRow.id))
            .where(col(EventRow.run_id).in_(mine))
            .where(col(EventRow.kind).in_([RunProgress.kind, BoardTaken.kind, RunChanged.kind]))
            .group_by(col(EventRow.run_id), EventRow.kind)
        )
        events = {
            (row.run_id, row.kind): row
            for row in session.exec(select(EventRow).where(col(EventRow.id).in_(newest)))
        }

    def body(number: int, kind: str) -> Mapping[str, Any] | None:
        row = events.get((number, kind))
        return row.body if row is not None else None

    found = []
    for number, run in runs.items():
        changed = events.get((number, RunChanged.kind))
        is_news = changed is not None and changed.body.get("status") == run.status
        found.append(
            UnfinishedRun(
                run=run,
                project=projects.get(run.project_id, ""),
                task=tasks.get(number),
                stages=tuple(stages[number]),
                progress=body(number, RunProgress.kind),
                board=body(number, BoardTaken.kind),
                turn=changed.id or 0 if changed is not None else 0,
                since=changed.at
                if changed is not None and is_news
                else run.started_at or run.created_at,
            )
        )
    return found


def _brief_runs(session: Session, is_wanted: ColumnElement[bool]) -> Mapping[int, Run]:
    """Runs by number, in that order, without what may be long."""
    query = (
        select(Run)
        .where(is_wanted)
        .options(*(defer(getattr(Run, name)) for name in _LONG_COLUMNS))
        .order_by(col(Run.id))
    )
    rows = session.exec(query).all()
    for row in rows:
        for name, value in _LONG_COLUMNS.items():
            set_committed_value(row, name, list(value) if value == () else value)
    return {row.number: row for row in rows}


def recent_durations(
    store: Store, *, limit: int
) -> Mapping[tuple[uuid.UUID | None, str, str], Sequence[float]]:
    """Seconds that the newest builds took that succeeded, by project, chip and configuration.

    Those of projects of which a build is unfinished.

    Args:
        limit: how many of each at the most.
    """
    key = (col(Run.project_id), col(Run.target), col(Run.configuration))
    mine = select(Run.project_id).where(col(Run.status).in_(UNFINISHED))
    place = func.row_number().over(partition_by=key, order_by=col(Run.id).desc())
    found = (
        select(*key, Run.duration, place.label("place"))  # type: ignore[call-overload] # SQLModel knows four columns
        .where(Run.kind == RunKind.FIRMWARE, Run.status == RunStatus.SUCCESS)
        .where(col(Run.project_id).in_(mine))
        .where(col(Run.duration).is_not(None))
        .subquery()
    )
    query = select(*found.c).where(found.c.place <= limit)
    took: dict[tuple[uuid.UUID | None, str, str], list[float]] = {}
    with store.read() as session:
        for project, target, configuration, seconds, _place in session.exec(query):
            took.setdefault((project, target, configuration), []).append(seconds)
    return took
