"""How checks went, counted from their results."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from engine.enums import CheckStatus
from engine.store.database import Store
from engine.store.tables import CheckResultRow


@dataclass(frozen=True, slots=True)
class CheckStats:
    """How a check went, over all projects or in one.

    Args:
        name: of the check.
        statuses: how many of its results are of each status; one that none has is left out.
        average_duration: seconds.
        last_execution: when it last ran, or was seen to have nothing new to look at.
        last_status: of its newest result.
        last_duration: seconds that the newest result took.
    """

    name: str
    statuses: Mapping[CheckStatus, int]
    average_duration: float
    last_execution: datetime
    last_status: CheckStatus
    last_duration: float

    @property
    def executions(self) -> int:
        """How often it looked; that its last result still stands is no execution."""
        return sum(self.statuses.values())


def check_stats(store: Store, project_id: uuid.UUID | None = None) -> list[CheckStats]:
    """How each check went that has results, by name.

    Args:
        project_id: only its results; None for all, also those of the lab as a whole.
    """
    row = CheckResultRow
    query = select(  # type: ignore[call-overload] # it knows no more than four columns
        row.check_name, row.status, func.count(), func.sum(row.duration_seconds),
        func.max(row.id), func.max(row.confirmed_at),
    ).group_by(row.check_name, row.status).order_by(row.check_name)  # fmt: skip
    if project_id is not None:
        query = query.where(row.project_id == project_id)
    found: dict[str, list[tuple[CheckStatus, int, float, int, datetime]]] = {}
    with store.read() as session:
        for name, status, number, seconds, newest, at in session.exec(query):
            found.setdefault(name, []).append((status, number, seconds, newest, at))
        ids = [max(each[3] for each in rows) for rows in found.values()]
        newest_of = {
            each.check_name: each for each in session.exec(select(row).where(col(row.id).in_(ids)))
        }
    return [
        CheckStats(
            name=name,
            statuses={CheckStatus(status): number for status, number, *_ in rows},
            average_duration=sum(each[2] for each in rows) / sum(each[1] for each in rows),
            last_execution=max(each[4] for each in rows),
            last_status=newest_of[name].status,
            last_duration=newest_of[name].duration_seconds,
        )
        for name, rows in found.items()
    ]
