"""Results of checks."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

import engine.store.tables.projects  # noqa: F401 - a foreign key of it
from engine.enums import CheckStatus, Trigger
from engine.store.tables.columns import AUTOINCREMENT, enum_type, time_column, utc_now


class CheckResultRow(SQLModel, table=True):
    """What one run of a check came to.

    ``project_id`` is None for a check of the lab as a whole. ``state`` is what the result depended
    on (:meth:`engine.checks.base.Check.state`): as long as it is the same, the result stands, and
    ``confirmed_at`` is when that was seen last. ``triggered_by`` is who ran it: the schedule, or a
    person.
    """

    __tablename__ = "check_result"
    __table_args__ = (
        Index("ix_check_result_newest", "check_name", "project_id", "id"),
        AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    check_name: str
    project_id: uuid.UUID | None = Field(
        default=None, foreign_key="project.id", index=True, ondelete="CASCADE"
    )
    status: CheckStatus = Field(sa_column=Column(enum_type(CheckStatus), nullable=False))
    message: str
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    timestamp: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    duration_seconds: float = 0.0
    state: str = ""
    confirmed_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    triggered_by: Trigger = Field(
        default=Trigger.SCHEDULE, sa_column=Column(enum_type(Trigger), nullable=False)
    )


class CheckTally(SQLModel, table=True):
    """How many results of one status a check had in a project, also those that are not kept.

    ``project_id`` is None for the lab as a whole; ``seconds`` is how long all of them took.
    """

    __tablename__ = "check_tally"
    __table_args__ = (Index("ix_check_tally_of", "check_name", "project_id", "status"),)

    id: int | None = Field(default=None, primary_key=True)
    check_name: str
    project_id: uuid.UUID | None = Field(default=None, foreign_key="project.id", ondelete="CASCADE")
    status: CheckStatus = Field(sa_column=Column(enum_type(CheckStatus), nullable=False))
    executions: int = 0
    seconds: float = 0.0
