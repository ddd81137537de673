"""Results of checks, as questions that front ends and the schedule ask."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, delete, func
from sqlalchemy.orm import QueryableAttribute, defer
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from engine.enums import CheckStatus
from engine.store.check_stats import count_result
from engine.store.database import Store
from engine.store.tables import CheckResultRow

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
