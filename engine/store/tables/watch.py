"""What starts builds of a project by itself."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

import engine.store.tables.projects  # noqa: F401 - a foreign key of it
from engine.store.tables.columns import time_column


class WatchRow(SQLModel, table=True):
    """What starts builds of a project by itself: where it stands.

    ``tip`` is the commit that was decided upon last, built or not, and ``tags`` the commits of the
    tags that match ``tag_pattern``. A source that cannot be reached is not asked before
    ``next_look``, unless the project was synced since (``synced_at`` is when it was as of the last
    failure): it failed ``failures`` times since ``failing_since``, the last time because of
    ``failure``. Times of ``schedule`` up to ``schedule_since`` are done
    with; ``schedule_run`` is the newest run that it started, ``schedule_problem`` why it started
    none.
    """

    __tablename__ = "watch"

    project_id: uuid.UUID = Field(foreign_key="project.id", primary_key=True, ondelete="CASCADE")
    tip: str = ""
    tag_pattern: str = ""
    tags: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    failure: str = ""
    failures: int = 0
    failing_since: datetime | None = Field(default=None, sa_column=time_column())
    synced_at: datetime | None = Field(default=None, sa_column=time_column())
    next_look: datetime | None = Field(default=None, sa_column=time_column())
    schedule: str = ""
    schedule_since: datetime | None = Field(default=None, sa_column=time_column())
    schedule_run: int = 0
    schedule_problem: str = ""
