"""Results of checks, as questions that front ends and the schedule ask."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func
from sqlmodel import col, select

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


def newest_results(store: Store) -> Sequence[CheckResultRow]:
    """The newest result of each check of each project."""
    newest = select(func.max(CheckResultRow.id)).group_by(
        col(CheckResultRow.check_name), col(CheckResultRow.project_id)
    )
    with store.read() as session:
        return session.exec(select(CheckResultRow).where(col(CheckResultRow.id).in_(newest))).all()


def newest_result(store: Store, check: str, project_id: uuid.UUID | None) -> CheckResultRow | None:
    """The newest result of a check of a project (None: of the lab), None where there is none."""
    found = results_of(store, check, project_id, limit=1)
    return found[0] if found else None


def results_of(
    store: Store, check: str, project_id: uuid.UUID | None, *, limit: int
) -> Sequence[CheckResultRow]:
    """Results of a check of a project (None: of the lab), the newest first."""
    query = (
        select(CheckResultRow)
        .where(*_of(check, project_id))
        .order_by(col(CheckResultRow.id).desc())
        .limit(limit)
    )
    with store.read() as session:
        return session.exec(query).all()


def _of(check: str, project_id: uuid.UUID | None) -> tuple[ColumnElement[bool], ...]:
    project = col(CheckResultRow.project_id)
    of_project = project.is_(None) if project_id is None else project == project_id
    return (col(CheckResultRow.check_name) == check, of_project)
