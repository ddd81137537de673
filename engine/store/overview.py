"""What the lab at a glance asks: every project with its builds, and all runs that are unfinished.

Few statements, however many projects there are; what a build printed is never read.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import String, and_, func, type_coerce
from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from engine.enums import RunKind, RunStatus
from engine.events import BoardTaken, RunChanged, RunProgress
from engine.store.database import Store
from engine.store.tables import EventRow, Project, Run, StageRow, Task, WatchRow

WINDOW_BUILDS = 20
"""Newest builds of a project that tell how it stands."""

_FAILED, _SUCCESS = RunStatus.FAILED.value, RunStatus.SUCCESS.value
_CANCELLED = RunStatus.CANCELLED.value
_RESULTS = (_FAILED, _SUCCESS)
_SHOWN_FIRST = (RunStatus.RUNNING.value, RunStatus.PENDING.value, _FAILED)
_OWN = (Run.kind == RunKind.FIRMWARE, Run.proposed_by == "", col(Run.project_id).is_not(None))
_LONG_COLUMNS = ("build_output", "test_results", "notes", "repeats")

_Variant = tuple[str, str, str]
"""A project, a chip, and a configuration."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """One of the newest builds of a project."""

    number: int
    status: str
    commit: str
    dirty: bool
    variant: _Variant
    began: bool


@dataclass(frozen=True, slots=True)
class ProjectBuilds:
    """How the builds of a project's own commits stand.

    Args:
        build: the newest of its newest commit: of several chips and configurations one that runs or
            waits, else one that failed.
        broken: the newest result, or that of another chip or configuration of the same commit,
            where it failed; None where all is well.
        broken_since: when the first failure since the last success ended.
        last: how the newest stand, newest first.
        commits: commits of those, newest first; none of uncommitted changes, nor of builds that
            were cancelled before they began.
    """

    build: Run
    broken: Run | None
    broken_since: datetime | None
    last: tuple[RunStatus, ...]
    commits: tuple[str, ...]


def project_builds(
    store: Store, project_id: uuid.UUID | None = None, *, last: int = 10
) -> Mapping[uuid.UUID, ProjectBuilds]:
    """How the builds of each project that has some stand, or of one."""
    with store.read() as session:
        newest = {
            project: [_facts(row) for row in rows]
            for project, rows in groupby(_window(session, project_id), key=lambda row: row[0])
        }
        shown = {project: _shown(facts) for project, facts in newest.items()}
        broken = {project: _broken(facts) for project, facts in newest.items()}
        first = {project: each[1] for project, each in broken.items() if each is not None}
        if any(number is None for number in first.values()):
            oldest = _first_failures(session, project_id)
            for project, found in broken.items():
                if found is not None and found[1] is None:
                    first[project] = oldest.get(found[0].variant)
        wanted = {*shown.values(), *(each[0].number for each in broken.values() if each)}
        runs = _runs(session, wanted)
        ended = _ended(session, {number for number in first.values() if number is not None})
    return {
        uuid.UUID(project): ProjectBuilds(
            build=runs[shown[project]],
            broken=runs[found[0].number] if (found := broken[project]) else None,
            broken_since=ended.get(first.get(project) or 0),
            last=tuple(RunStatus(each.status) for each in facts[:last]),
            commits=tuple(
                each.commit
                for each in facts
                if not each.dirty and (each.began or each.status != _CANCELLED)
            ),
        )
        for project, facts in newest.items()
        if shown[project] in runs
    }


def _window(session: Session, project_id: uuid.UUID | None) -> Sequence[Any]:
    """The newest builds of each project as tuples, by project, newest first."""
    place = func.row_number().over(partition_by=col(Run.project_id), order_by=col(Run.id).desc())
    inner = select(  # type: ignore[call-overload] # it knows no more than four columns
        # As text: thousands of rows are not made into enums and UUIDs to be compared.
        type_coerce(Run.project_id, String).label("project"),
        Run.id,
        type_coerce(Run.status, String).label("status"),
        Run.commit_sha,
        Run.dirty,
        Run.target,
        Run.configuration,
        col(Run.started_at).is_not(None).label("began"),
        place.label("place"),
    ).where(*_OWN)
    if project_id is not None:
        inner = inner.where(Run.project_id == project_id)
    found = inner.subquery()
    query = select(*found.c).where(found.c.place <= WINDOW_BUILDS)
    rows: Sequence[Any] = session.exec(query.order_by(found.c.project, found.c.place)).all()
    return rows


def _facts(row: Any) -> _Facts:
    project, number, status, commit, dirty, target, configuration, began, _place = row
    return _Facts(number, status, commit, dirty, (project, target, configuration), bool(began))


def _of_newest_commit(facts: Sequence[_Facts]) -> list[_Facts]:
    """The newest build of each chip and configuration of the commit that was built last."""
    newest, found = facts[0], dict[_Variant, _Facts]()
    for each in facts:
        if (each.commit, each.dirty) == (newest.commit, newest.dirty):
            found.setdefault(each.variant, each)
    return list(found.values())


def _shown(facts: Sequence[_Facts]) -> int:
    """Number of the build that stands for a project."""
    builds = _of_newest_commit(facts)
    for status in _SHOWN_FIRST:
        for each in builds:
            if each.status == status:
                return each.number
    return facts[0].number


def _broken(facts: Sequence[_Facts]) -> tuple[_Facts, int | None] | None:
    """The failure that stands, and number of the first one since the last success.

    That number is None where it lies before the window.
    """
    results = [each for each in facts if each.status in _RESULTS]
    if not results:
        return None
    failed = [each for each in _of_newest_commit(results) if each.status == _FAILED]
    if not failed:
        return None
    first = failed[0].number
    for each in results:
        if each.variant != failed[0].variant:
            continue
        if each.status == _SUCCESS:
            return failed[0], first
        first = each.number
    return failed[0], first if len(facts) < WINDOW_BUILDS else None


def _first_failures(session: Session, project_id: uuid.UUID | None) -> Mapping[_Variant, int]:
    """Number of the first failure after the last success, for each that has one."""
    key = (col(Run.project_id), col(Run.target), col(Run.configuration))
    names = ("project_id", "target", "configuration")
    own = _OWN if project_id is None else (*_OWN, Run.project_id == project_id)
    good = (
        select(*key, func.max(Run.id).label("last"))
        .where(*own, Run.status == RunStatus.SUCCESS)
        .group_by(*key)
        .subquery()
    )
    query = (
        select(type_coerce(Run.project_id, String), *key[1:], func.min(Run.id))
        .outerjoin(good, and_(*(good.c[name] == getattr(Run, name) for name in names)))
        .where(*own, Run.status == RunStatus.FAILED)
        .where(col(Run.id) > func.coalesce(good.c.last, 0))
        .group_by(*key)
    )
    return {(each[0], each[1], each[2]): each[3] or 0 for each in session.exec(query).all()}


def _numbers(numbers: Iterable[int]) -> Any:
    """Numbers as a query, however many: a statement has few variables."""
    return select(func.json_each(json.dumps(sorted(numbers))).table_valued("value").c.value)


def _runs(session: Session, numbers: Collection[int]) -> Mapping[int, Run]:
    """Runs by number, without what may be long and no list shows."""
    query = select(Run).where(col(Run.id).in_(_numbers(numbers)))
    rows = session.exec(query.options(*(defer(getattr(Run, name)) for name in _LONG_COLUMNS))).all()
    for row in rows:
        set_committed_value(row, "build_output", "")
        set_committed_value(row, "test_results", None)
        set_committed_value(row, "notes", [])
        set_committed_value(row, "repeats", None)
    return {row.number: row for row in rows}


def _ended(session: Session, numbers: Collection[int]) -> Mapping[int, datetime]:
    if not numbers:
        return {}
    query = select(Run.id, Run.completed_at).where(col(Run.id).in_(_numbers(numbers)))
    return {number: at for number, at in session.exec(query) if number and at}


def failing_watches(store: Store) -> Mapping[uuid.UUID, WatchRow]:
    """The watch of each project whose source did not answer last."""
    with store.read() as session:
        rows = session.exec(select(WatchRow).where(WatchRow.failures > 0)).all()
    return {row.project_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that waits or is carried out.

    Args:
        run: itself, without what may be long.
        project: name of its project, empty for none.
        task: what was asked of it, None for a build.
        stages: how far it came.
        progress: the body of its last event of how far it is; None for none yet.
        board: the board that a stage took last, with stage and attempt; None for none.
        asked_at: place of the event with which it was asked for last: sorts those that wait.
    """

    run: Run
    project: str
    task: Task | None
    stages: tuple[StageRow, ...]
    progress: Mapping[str, Any] | None
    board: Mapping[str, Any] | None
    asked_at: int


def unfinished(store: Store) -> Sequence[UnfinishedRun]:
    """Every run that waits or is carried out, by number."""
    with store.read() as session:
        numbers = [
            number
            for number in session.exec(
                select(Run.id).where(col(Run.status).in_([RunStatus.PENDING, RunStatus.RUNNING]))
            )
            if number is not None
        ]
        if not numbers:
            return []
        runs = _runs(session, numbers)
        mine = _numbers(numbers)
        projects: dict[uuid.UUID | None, str] = dict(
            session.exec(
                select(Project.id, Project.name).where(
                    col(Project.id).in_({each.project_id for each in runs.values()})
                )
            ).all()
        )
        tasks = {
            row.run_id: row for row in session.exec(select(Task).where(col(Task.run_id).in_(mine)))
        }
        stages: dict[int, list[StageRow]] = {number: [] for number in numbers}
        for row in session.exec(
            select(StageRow).where(col(StageRow.run_id).in_(mine)).order_by(col(StageRow.id))
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

    return [
        UnfinishedRun(
            run=runs[number],
            project=projects.get(runs[number].project_id, ""),
            task=tasks.get(number),
            stages=tuple(stages[number]),
            progress=body(number, RunProgress.kind),
            board=body(number, BoardTaken.kind),
            asked_at=getattr(events.get((number, RunChanged.kind)), "id", None) or 0,
        )
        for number in sorted(runs)
    ]


def recent_durations(
    store: Store, project_ids: Collection[uuid.UUID], *, limit: int
) -> Mapping[tuple[uuid.UUID, str, str], Sequence[float]]:
    """Seconds that the newest builds took that succeeded, by project, chip and configuration.

    Args:
        limit: how many of each at the most.
    """
    key = (col(Run.project_id), col(Run.target), col(Run.configuration))
    place = func.row_number().over(partition_by=key, order_by=col(Run.id).desc())
    found = (
        select(*key, Run.duration, place.label("place"))  # type: ignore[call-overload]
        .where(Run.kind == RunKind.FIRMWARE, Run.status == RunStatus.SUCCESS)
        .where(col(Run.project_id).in_(project_ids), col(Run.duration).is_not(None))
        .subquery()
    )
    query = select(*found.c).where(found.c.place <= limit)
    took: dict[tuple[uuid.UUID, str, str], list[float]] = {}
    with store.read() as session:
        for project, target, configuration, seconds, _place in session.exec(query):
            took.setdefault((project, target, configuration), []).append(seconds)
    return took
