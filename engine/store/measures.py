"""What is asked of the measures of runs, and what is needed to measure one."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func
from sqlmodel import col, select

from engine.enums import RunKind, RunStatus, Severity
from engine.store.database import Store
from engine.store.tables import Artifact, FindingRow, Run, RunMeasure, StageRow

_VALUES = select(RunMeasure.run_id, RunMeasure.name, RunMeasure.label, RunMeasure.value)
_MAX_VARIABLES = 500  # of a statement; SQLite takes 999 at the least

ENDED = (RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run left in the store that can be measured.

    ``stages`` and ``artifacts`` are those that no retry superseded, ``errors`` all of its findings
    of severity error; ``result_attempt`` is that of the run.
    """

    run_id: int
    status: RunStatus
    folder: str
    test_results: dict[str, Any]
    result_attempt: int | None = None
    stages: list[StageRow] = field(default_factory=list)
    errors: list[FindingRow] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """A build as statistics need it, without what it printed."""

    number: int
    project_id: uuid.UUID
    commit_sha: str
    commit_message: str
    dirty: bool
    target: str
    configuration: str
    triggered_by: str
    status: RunStatus
    started_at: datetime | None
    completed_at: datetime | None
    duration: float | None

    @property
    def variant(self) -> tuple[str, str]:
        """Chip and configuration."""
        return self.target, self.configuration


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often builds of a project have a label of a measure.

    Args:
        first, last: numbers of the first and of the last such build.
        since, until: when these ended.
    """

    project_id: uuid.UUID
    label: str
    count: int
    first: int
    last: int
    since: datetime | None
    until: datetime | None


def records(store: Store, run_ids: Sequence[int]) -> list[RunRecord]:
    """What runs that have ended left; one that waits, runs or is gone is left out."""
    query = select(
        Run.id, Run.status, Run.artifacts_path, Run.test_results, Run.result_attempt
    ).where(  # type: ignore[call-overload] # it knows no more than four columns
        col(Run.id).in_(run_ids), col(Run.status).in_(ENDED)
    )
    with store.read() as session:
        found = {
            number: RunRecord(number, RunStatus(status), folder, dict(results or {}), attempt)
            for number, status, folder, results, attempt in session.exec(query)
            if number is not None
        }
        ids = list(found)
        stages = select(StageRow).where(col(StageRow.run_id).in_(ids), ~col(StageRow.superseded))
        for stage in session.exec(stages.order_by(col(StageRow.id))):
            found[stage.run_id].stages.append(stage)
        errors = select(FindingRow).where(
            col(FindingRow.run_id).in_(ids), FindingRow.severity == Severity.ERROR
        )
        for finding in session.exec(errors.order_by(col(FindingRow.id))):
            found[finding.run_id].errors.append(finding)
        kept = select(Artifact).where(col(Artifact.run_id).in_(ids), ~col(Artifact.superseded))
        for artifact in session.exec(kept):
            found[artifact.run_id].artifacts[artifact.path] = artifact
    return list(found.values())


def unmeasured_builds(store: Store, limit: int) -> list[int]:
    """Numbers of builds that ended and of which nothing was measured, oldest first."""
    measured = exists().where(col(RunMeasure.run_id) == col(Run.id))
    query = (
        select(Run.id)
        .where(Run.kind == RunKind.FIRMWARE, col(Run.status).in_(ENDED), ~measured)
        .order_by(col(Run.id))
        .limit(limit)
    )
    with store.read() as session:
        return [number for number in session.exec(query) if number is not None]


def put_measures(store: Store, measures: Iterable[RunMeasure]) -> None:
    """Write the measures of runs in place of those that they had.

    Those of a run that was asked for again meanwhile, or removed, are not written.
    """
    rows: dict[int, list[RunMeasure]] = defaultdict(list)
    for measure in measures:
        rows[measure.run_id].append(measure)
    with store.write() as session:
        query = select(Run.id).where(col(Run.id).in_(list(rows)), col(Run.status).in_(ENDED))
        still = [number for number in session.exec(query) if number is not None]
        session.exec(delete(RunMeasure).where(col(RunMeasure.run_id).in_(still)))
        session.add_all(row for number in still for row in rows[number])


def builds(
    store: Store, project_id: uuid.UUID | None = None, *, limit: int | None = None
) -> list[BuildFacts]:
    """Builds of a project, or of all, oldest first; of many the newest ``limit``."""
    query = (
        select(  # type: ignore[call-overload, misc] # it knows no more than four columns
            Run.id, Run.project_id, Run.commit_sha, Run.commit_message, Run.dirty, Run.target,
            Run.configuration,
            Run.triggered_by, Run.status, Run.started_at, Run.completed_at, Run.duration,
        )
        .where(Run.kind == RunKind.FIRMWARE, col(Run.project_id).is_not(None))
        .order_by(col(Run.id).desc())
        .limit(limit)
    )  # fmt: skip
    if project_id is not None:
        query = query.where(Run.project_id == project_id)
    with store.read() as session:
        # As plain rows: those of the session take three times as long, which tells among thousands.
        return [BuildFacts(*row) for row in session.connection().execute(query).all()][::-1]


def names(store: Store, project_id: uuid.UUID) -> list[tuple[str, str]]:
    """Names and labels of the measures that some build of a project has."""
    query = (
        select(RunMeasure.name, RunMeasure.label)
        .join(Run)
        .where(Run.project_id == project_id)
        .distinct()
        .order_by(RunMeasure.name, RunMeasure.label)
    )
    with store.read() as session:
        return [(name, label) for name, label in session.exec(query)]


def values(
    store: Store, names: Iterable[str], project_id: uuid.UUID | None = None, *, since: int = 0
) -> list[tuple[int, str, str, float]]:
    """Number of the build, name, label and value of measures.

    Args:
        since: the first build that counts.
    """
    query = _VALUES.where(col(RunMeasure.name).in_(list(names)), col(RunMeasure.run_id) >= since)
    if project_id is not None:
        query = query.join(Run).where(Run.project_id == project_id)
    with store.read() as session:
        return [
            (row[0], row[1], row[2], row[3]) for row in session.connection().execute(query).all()
        ]


def values_of(store: Store, numbers: Sequence[int]) -> list[tuple[int, str, str, float]]:
    """Every measure of some builds, as :func:`values` gives them."""
    found: list[tuple[int, str, str, float]] = []
    with store.read() as session:
        for first in range(0, len(numbers), _MAX_VARIABLES):
            some = numbers[first : first + _MAX_VARIABLES]
            rows = session.connection().execute(_VALUES.where(col(RunMeasure.run_id).in_(some)))
            found += [(row[0], row[1], row[2], row[3]) for row in rows]
    return found


def details(
    store: Store, name: str, project_id: uuid.UUID, *, limit: int
) -> list[tuple[int, list[Any]]]:
    """Number of the build and detail of a measure, of the newest builds that have it, by build."""
    query = (
        select(RunMeasure.run_id, RunMeasure.detail)
        .join(Run)
        .where(RunMeasure.name == name, Run.project_id == project_id)
        .where(col(RunMeasure.detail).is_not(None))
        .order_by(col(RunMeasure.run_id).desc())
        .limit(limit)
    )
    with store.read() as session:
        return [(number, list(detail or ())) for number, detail in session.exec(query)][::-1]


def count_labels(store: Store, name: str, project_id: uuid.UUID | None = None) -> list[LabelCount]:
    """How often each label of a measure came in each project, the most frequent first."""
    query = (
        select(  # type: ignore[call-overload] # it knows no more than four columns
            Run.project_id, RunMeasure.label, func.count(), func.min(Run.id), func.max(Run.id),
        )
        .join(Run)
        .where(RunMeasure.name == name, col(Run.project_id).is_not(None))
        .group_by(col(Run.project_id), col(RunMeasure.label))
        .order_by(func.count().desc(), func.max(Run.id).desc())
    )  # fmt: skip
    if project_id is not None:
        query = query.where(Run.project_id == project_id)
    with store.read() as session:
        rows = session.exec(query).all()
        ends = {number for *_, first, last in rows for number in (first, last)}
        ended = dict(
            session.exec(select(Run.id, Run.completed_at).where(col(Run.id).in_(ends))).all()
        )
    return [
        LabelCount(project, label, number, first, last, ended[first], ended[last])
        for project, label, number, first, last in rows
    ]
