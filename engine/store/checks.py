"""Results of checks, as questions that front ends and the schedule ask."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, delete, func, join, null, true
from sqlalchemy.orm import QueryableAttribute, defer
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from engine.enums import CheckStatus
from engine.store.check_stats import count_result
from engine.store.database import Store
from engine.store.tables import CheckResultRow, Project

KEPT_RESULTS = 200
"""Results of one check of one project that are kept."""


def add_result(store: Store, result: CheckResultRow) -> CheckResultRow:
    """Keep a result; of those of the same check and project the oldest go."""
    with store.write() as session:
        session.add(result)
        count_result(session, result)
        session.flush()
        kept = (
            select(CheckResultRow.id)
            .where(*_of(result.check_name, result.project_id))
            .order_by(col(CheckResultRow.id).desc())
            .limit(KEPT_RESULTS)
        )
        session.exec(
            delete(CheckResultRow).where(
                *_of(result.check_name, result.project_id), col(CheckResultRow.id).not_in(kept)
            )
        )
    return result


def confirm_result(store: Store, result_id: int, now: datetime) -> None:
    """Write down that a result was found to stand still."""
    with store.write() as session:
        result = session.get(CheckResultRow, result_id)
        if result is not None:
            result.confirmed_at = now
            session.add(result)


def newest_results(store: Store, *, details: bool = True) -> Sequence[CheckResultRow]:
    """The newest result of each check of each project.

    Args:
        details: whether they come with their details, of which each may have 1 MiB; else empty.
    """
    newest = select(func.max(CheckResultRow.id)).group_by(
        col(CheckResultRow.check_name), col(CheckResultRow.project_id)
    )
    return _read(store, select(CheckResultRow).where(col(CheckResultRow.id).in_(newest)), details)


@dataclass(frozen=True, slots=True)
class NewestResult:
    """The newest result of a check of a project: its name is empty for the lab as a whole."""

    check: str
    project_id: uuid.UUID | None
    project: str
    status: CheckStatus
    message: str


def failing_results(store: Store, project_id: uuid.UUID | None = None) -> Sequence[NewestResult]:
    """The newest results of checks of projects that are no success, the newest first.

    Args:
        project_id: only those of this project; None for all.
    """
    ids = select(_PROJECT_ID)
    if project_id is not None:
        ids = ids.where(col(Project.id).in_([project_id]))
    return _failing(store, ids)


def failing_lab_results(store: Store) -> Sequence[NewestResult]:
    """The newest results of checks of the lab as a whole that are no success, the newest first."""
    return _failing(store, _OF_THE_LAB)


def _failing(store: Store, of: Select[Any]) -> Sequence[NewestResult]:
    row = CheckResultRow
    query = (
        select(row.check_name, row.project_id, Project.name, col(row.status))
        .add_columns(col(row.message))
        .outerjoin(Project, col(Project.id) == col(row.project_id))
        .where(col(row.id).in_(_newest_of_each(of)), col(row.status) != CheckStatus.SUCCESS)
        .order_by(col(row.timestamp).desc())
    )
    with store.read() as session:
        return [
            NewestResult(check, project, name or "", CheckStatus(status), message)
            for check, project, name, status, message in session.execute(query)
        ]


def confirmed_at(store: Store) -> Mapping[tuple[str, uuid.UUID | None], datetime]:
    """When the newest result was seen to hold, by check and project; None for the lab."""
    row = CheckResultRow
    newest = _newest_of_each(select(_PROJECT_ID).union_all(_OF_THE_LAB))
    query = select(row.check_name, row.project_id, row.confirmed_at).where(col(row.id).in_(newest))
    with store.read() as session:
        return {(check, project): at for check, project, at in session.exec(query)}


_PROJECT_ID: Any = col(Project.id).label("id")
_OF_THE_LAB: Any = select(null().label("id"))


def _newest_of_each(of: Any) -> Select[tuple[int]]:
    """Ids of the newest result of each check of some projects.

    A jump into the index for each, however many results are kept: grouping would walk all of them.

    Args:
        of: selects the ``id`` of projects; null is the lab.
    """
    row = CheckResultRow
    names = select(func.min(row.check_name).label("name")).cte("names", recursive=True)
    following = (
        select(func.min(row.check_name))
        .where(row.check_name > names.c.name)
        .correlate(names)
        .scalar_subquery()
    )
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    projects = of.subquery()
    newest = (
        select(func.max(row.id))
        .where(row.check_name == names.c.name)
        .where(col(row.project_id).is_not_distinct_from(projects.c.id))
        .correlate(names, projects)
        .scalar_subquery()
    )
    return select(newest).select_from(join(names, projects, true()))


def last_confirmed(
    store: Store, check: str, project_id: uuid.UUID | None = None
) -> Mapping[uuid.UUID, datetime]:
    """When each project, or one, was looked at last by a check."""
    newest = (
        select(func.max(CheckResultRow.id))
        .where(CheckResultRow.check_name == check, CheckResultRow.project_id == Project.id)
        .correlate(Project)
        .scalar_subquery()
    )
    each = select(newest).select_from(Project)
    if project_id is not None:
        each = each.where(col(Project.id) == project_id)
    query = select(CheckResultRow.project_id, CheckResultRow.confirmed_at).where(
        col(CheckResultRow.id).in_(each)
    )
    with store.read() as session:
        return {project: at for project, at in session.exec(query) if project is not None}


def get_result(store: Store, result_id: int) -> CheckResultRow | None:
    """A result by its id, None where it is kept no more."""
    with store.read() as session:
        return session.get(CheckResultRow, result_id)


def newest_result(store: Store, check: str, project_id: uuid.UUID | None) -> CheckResultRow | None:
    """The newest result of a check of a project (None: of the lab), None where there is none."""
    found = results_of(store, check, project_id, limit=1)
    return found[0] if found else None


def results_of(
    store: Store, check: str, project_id: uuid.UUID | None, *, limit: int, details: bool = True
) -> Sequence[CheckResultRow]:
    """Results of a check of a project (None: of the lab), the newest first.

    Args:
        details: whether they come with their details, else empty.
    """
    query = (
        select(CheckResultRow)
        .where(*_of(check, project_id))
        .order_by(col(CheckResultRow.id).desc())
        .limit(limit)
    )
    return _read(store, query, details)


def list_results(
    store: Store,
    *,
    check: str = "",
    project_id: uuid.UUID | None = None,
    status: CheckStatus | None = None,
    before: int | None = None,
    limit: int,
    details: bool = True,
) -> Sequence[CheckResultRow]:
    """Results of checks, the newest first, a page at a time.

    Args:
        check: only of this one; empty for all.
        project_id: only of this project; None for all, and the lab.
        status: only those.
        before: only those with a smaller id, for the next page.
        details: whether they come with their details, else empty.
    """
    query = select(CheckResultRow).order_by(col(CheckResultRow.id).desc()).limit(limit)
    if check:
        query = query.where(col(CheckResultRow.check_name) == check)
    if project_id is not None:
        query = query.where(col(CheckResultRow.project_id) == project_id)
    if status is not None:
        query = query.where(col(CheckResultRow.status) == status)
    if before is not None:
        query = query.where(col(CheckResultRow.id) < before)
    return _read(store, query, details)


def _read(
    store: Store, query: SelectOfScalar[CheckResultRow], details: bool
) -> Sequence[CheckResultRow]:
    if not details:
        query = query.options(defer(cast("QueryableAttribute[Any]", CheckResultRow.details)))
    with store.read() as session:
        rows = session.exec(query).all()
    if not details:
        for row in rows:
            set_committed_value(row, "details", {})
    return rows


def _of(check: str, project_id: uuid.UUID | None) -> tuple[ColumnElement[bool], ...]:
    project = col(CheckResultRow.project_id)
    of_project = project.is_(None) if project_id is None else project == project_id
    return (col(CheckResultRow.check_name) == check, of_project)
