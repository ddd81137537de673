"""What was asked of tasks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

import engine.store.tables.runs  # noqa: F401 - a foreign key of it
from engine.enums import Priority
from engine.store.tables.columns import enum_type


class Task(SQLModel, table=True):
    """What was asked of a task; how it stands is in its row of :class:`~engine.store.tables.Run`.

    ``definition`` is the pipeline as it was when the task was asked for, so that a retry does the
    same; ``paths`` are files of the repository that the task is about; ``result`` is what came of
    it, in a line.
    """

    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    title: str
    description: str = ""
    context: str = ""
    priority: Priority = Field(
        default=Priority.MEDIUM, sa_column=Column(enum_type(Priority), nullable=False)
    )
    model: str = ""
    max_iterations: int = 1
    squad: str = ""
    gate: bool = False
    paths: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    definition: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    result: str = ""
