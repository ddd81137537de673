"""How the builds of every project stand, read at once.

One statement, however many projects there are, and it reads an index alone: in the rows, what a
build printed lies before what is asked for.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import String, func, type_coerce
from sqlmodel import col, select

from engine.enums import RunKind, RunStatus
from engine.store.database import Store
from engine.store.tables import Run

LAST_BUILDS = 10
"""Builds whose results a trend shows."""

_SUCCESS, _FAILED = RunStatus.SUCCESS.value, RunStatus.FAILED.value
_CANCELLED = RunStatus.CANCELLED.value
_STATUSES = {status.value: status for status in RunStatus}
_RESULTS = (_SUCCESS, _FAILED)
_SHOWN_FIRST = (RunStatus.RUNNING.value, RunStatus.PENDING.value, _FAILED)
_FACTS = (
    # As text: thousands of rows are not made into enums, times and UUIDs to be compared.
    type_coerce(Run.project_id, String),
    col(Run.id),
    type_coerce(Run.status, String),
    col(Run.proposed_by) == "",
    col(Run.commit_sha),
    col(Run.dirty),
    col(Run.target),
    col(Run.configuration),
    type_coerce(Run.created_at, String),
    type_coerce(Run.started_at, String),
    type_coerce(Run.completed_at, String),
    col(Run.duration),
)
"""What is read of each build: all of it is in the index ``ix_run_overview``."""


@dataclass(frozen=True, slots=True)
class BriefBuild:
    """A build, with what its row in a list shows; the fields are those of its row in the store."""

    id: int
    status: RunStatus
    commit_sha: str
    dirty: bool
    target: str
    configuration: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration: float | None

    @property
    def number(self) -> int:
        """Its id."""
        return self.id


@dataclass(frozen=True, slots=True)
class ProjectBuilds:
    """How the builds of a project stand; those of pull requests and forks count in the rate alone.

    Args:
        build: the newest of its newest commit: of several chips and configurations one that runs or
            waits, else one that failed; None for none.
        broken: number of the newest result, or that of another chip or configuration of the same
            commit, where it failed; None where all is well.
        reason: why that failed. Untrusted text.
        broken_since: when the first failure since the last success ended.
        last: how the newest stand, newest first.
        success_rate: percent of those that succeeded or failed; None where there is none.
        newest_commit: the newest that was built; empty for none. Builds of uncommitted changes, and
            those that were cancelled before they began, built no commit.
        is_tip_built: whether the project's tip is among those that were built.
    """

    build: BriefBuild | None
    broken: int | None
    reason: str
    broken_since: datetime | None
    last: tuple[RunStatus, ...]
    success_rate: float | None
    newest_commit: str
    is_tip_built: bool


def project_builds(
    store: Store, tips: Mapping[uuid.UUID, str], project_id: uuid.UUID | None = None
) -> Mapping[uuid.UUID, ProjectBuilds]:
    """How the builds of each project that has some stand, or of one.

    Args:
        tips: the commit that each project follows now.
    """
    query = select(*_FACTS).where(Run.kind == RunKind.FIRMWARE)  # type: ignore[call-overload] # SQLModel knows four columns
    query = (
        query.where(col(Run.project_id).is_not(None))
        if project_id is None
        else query.where(Run.project_id == project_id)
    )
    # The oldest first, as the index has them: the other way round SQLite would sort.
    query = query.order_by(col(Run.project_id), col(Run.id))
    with store.read() as session:
        # On the connection: a session takes twice as long for rows that are no objects.
        rows = session.connection().execute(query).all()
        found = {
            (key := uuid.UUID(project)): _stand(list(builds)[::-1], tips.get(key, ""))
            for project, builds in groupby(rows, key=itemgetter(0))
        }
        broken = [each.broken for each in found.values() if each.broken is not None]
        # As one variable: a statement has room for some thousands only.
        numbers = func.json_each(json.dumps(broken)).table_valued("value")
        query = select(Run.id, Run.error).where(col(Run.id).in_(select(numbers.c.value)))
        reasons = dict(session.exec(query).all()) if broken else {}
    return {
        key: each if each.broken is None else replace(each, reason=reasons.get(each.broken, ""))
        for key, each in found.items()
    }


_ID, _STATUS, _OWN, _COMMIT, _DIRTY, _CHIP, _CONFIGURATION, _CREATED, _STARTED, _ENDED = range(
    1, 11
)
"""Places in a row of :data:`_FACTS`."""

_Row = Sequence[Any]


def _stand(rows: Sequence[_Row], tip: str) -> ProjectBuilds:
    """How the builds of one project stand, newest first."""
    results = [row[_STATUS] for row in rows if row[_STATUS] in _RESULTS]
    own = [row for row in rows if row[_OWN]]
    shown = _shown(own) if own else None
    broken, first = _broken([row for row in own if row[_STATUS] in _RESULTS])
    built = [row[_COMMIT] for row in own if not row[_DIRTY] and _has_begun(row)]
    return ProjectBuilds(
        build=_brief(shown) if shown is not None else None,
        broken=broken[_ID] if broken is not None else None,
        reason="",
        broken_since=_time(first[_ENDED]) if first is not None else None,
        last=tuple(_STATUSES[row[_STATUS]] for row in own[:LAST_BUILDS]),
        success_rate=100 * results.count(_SUCCESS) / len(results) if results else None,
        newest_commit=built[0] if built else "",
        is_tip_built=tip in built,
    )


def _of_newest_commit(rows: Sequence[_Row]) -> Sequence[_Row]:
    """The newest build of each chip and configuration of the commit that was built last."""
    found: dict[tuple[str, str], _Row] = {}
    for row in rows:
        if row[_COMMIT] == rows[0][_COMMIT] and row[_DIRTY] == rows[0][_DIRTY]:
            found.setdefault((row[_CHIP], row[_CONFIGURATION]), row)
    return list(found.values())


def _shown(rows: Sequence[_Row]) -> _Row:
    """The build that stands for a project."""
    builds = _of_newest_commit(rows)
    for status in _SHOWN_FIRST:
        for row in builds:
            if row[_STATUS] == status:
                return row
    return rows[0]


def _broken(results: Sequence[_Row]) -> tuple[_Row | None, _Row | None]:
    """The failure that stands, and the first one since the last success; None where all is well."""
    failed = [row for row in _of_newest_commit(results) if row[_STATUS] == _FAILED]
    if not failed:
        return None, None
    first = newest = failed[0]
    for row in results:
        if (row[_CHIP], row[_CONFIGURATION]) == (newest[_CHIP], newest[_CONFIGURATION]):
            if row[_STATUS] == _SUCCESS:
                break
            first = row
    return newest, first


def _has_begun(row: _Row) -> bool:
    return row[_STATUS] != _CANCELLED or row[_STARTED] is not None


def _brief(row: _Row) -> BriefBuild:
    created = _time(row[_CREATED])
    assert created is not None
    return BriefBuild(
        row[_ID], _STATUSES[row[_STATUS]], row[_COMMIT], row[_DIRTY], row[_CHIP],
        row[_CONFIGURATION], created, _time(row[_STARTED]), _time(row[_ENDED]), row[-1],
    )  # fmt: skip


def _time(text: str | None) -> datetime | None:
    """A time as SQLAlchemy writes it for SQLite, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
