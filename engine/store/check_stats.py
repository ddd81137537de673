"""How checks went: counted as their results come, as only the newest are kept."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from engine.enums import CheckStatus
from engine.store.database import Store
from engine.store.tables import CheckResultRow, CheckTally


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


def count_result(session: Session, result: CheckResultRow) -> None:
    """Count a new result, in the transaction that keeps it."""
    row = session.exec(
        select(CheckTally).where(
            CheckTally.check_name == result.check_name,
            col(CheckTally.project_id).is_not_distinct_from(result.project_id),
            CheckTally.status == result.status,
        )
    ).first() or CheckTally(
        check_name=result.check_name, project_id=result.project_id, status=result.status
    )
    row.executions += 1
    row.seconds += result.duration_seconds
    session.add(row)


def check_stats(store: Store, project_id: uuid.UUID | None = None) -> list[CheckStats]:
    """How each check went that has results, by name.

    Args:
        project_id: only its results; None for all, also those of the lab as a whole.
    """
    tally, result = CheckTally, CheckResultRow
    counted = (
        select(tally.check_name, tally.status, func.sum(tally.executions), func.sum(tally.seconds))
        .group_by(tally.check_name, col(tally.status))
        .order_by(tally.check_name)
    )
    newest = select(func.max(result.id), func.max(result.confirmed_at)).group_by(result.check_name)
    if project_id is not None:
        counted = counted.where(tally.project_id == project_id)
        newest = newest.where(result.project_id == project_id)
    with store.read() as session:
        rows = session.exec(counted).all()
        looked = dict(session.exec(newest).all())
        last = {
            each.check_name: each
            for each in session.exec(select(result).where(col(result.id).in_(list(looked))))
        }
    found = []
    for name, own in itertools.groupby(rows, key=lambda row: row[0]):
        statuses = {CheckStatus(row[1]): (row[2], row[3]) for row in own}
        if name not in last:
            continue  # its results were removed
        found.append(
            CheckStats(
                name=name,
                statuses={status: number for status, (number, _) in statuses.items()},
                average_duration=(
                    sum(seconds for _, seconds in statuses.values())
                    / sum(number for number, _ in statuses.values())
                ),
                last_execution=looked[last[name].id],
                last_status=last[name].status,
                last_duration=last[name].duration_seconds,
            )
        )
    return found
