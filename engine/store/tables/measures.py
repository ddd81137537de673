"""What was measured of runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

import engine.store.tables.runs  # noqa: F401 - a foreign key of it


class RunMeasure(SQLModel, table=True):
    """A number that was measured of a run that ended; a retry forgets those of before.

    ``label`` tells several of one name apart, such as memories, and is empty else. ``unit`` is
    ``s``, ``bytes`` or empty for a number of things. ``detail`` is what the number is the sum of:
    bounded lists that are read for one project at a time.
    """

    __tablename__ = "run_measure"
    __table_args__ = (Index("ix_run_measure_series", "name", "run_id"),)

    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    name: str = Field(primary_key=True)
    label: str = Field(default="", primary_key=True)
    unit: str = ""
    value: float
    detail: list[Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
