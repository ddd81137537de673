"""Events and logs of runs, and their places in one sequence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, String
from sqlmodel import Field, SQLModel

import engine.store.tables.runs  # noqa: F401 - a foreign key of it
from engine.store.tables.columns import AUTOINCREMENT, time_column, utc_now


class LogChunk(SQLModel, table=True):
    """A run of whole lines of one stage's log.

    Chunks, not lines: a compiler that floods six panes is written as a few rows a second, and a
    range of lines is found by ``first_line``. ``seq`` orders chunks and events of one run;
    ``writer`` names the process that wrote it, so that others know it for news.
    """

    __tablename__ = "log_chunk"
    __table_args__ = (
        Index("ix_log_range", "run_id", "stage", "attempt", "stream", "first_line"),
        AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    stage: str
    attempt: int
    stream: str = Field(sa_column=Column(String(8), nullable=False))
    agent: str
    seq: int
    first_line: int
    lines: int
    text: str
    writer: str
    at: datetime | None = Field(default=None, sa_column=time_column())
    position: int = Field(default=0, index=True, sa_column_kwargs={"server_default": "0"})


class EventRow(SQLModel, table=True):
    """An event that is neither log nor serial text, as JSON. ``run_id`` 0 is no run's.

    ``position`` is its place among all events and chunks of the workspace, from 1. Of chunks of
    versions before, which have no time, it is 0: they are read by their run alone.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_replay", "run_id", "seq"), AUTOINCREMENT)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = 0
    seq: int
    kind: str
    at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    body: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    writer: str
    position: int = Field(default=0, index=True, sa_column_kwargs={"server_default": "0"})


class StreamPosition(SQLModel, table=True):
    """The places of events and chunks: one row, whose id is 1.

    ``last`` is the last that was given, ``removed`` the last whose row was removed. ``stream``
    names the sequence of places: a store that was restored begins another one.
    """

    __tablename__ = "stream_position"

    id: int = Field(default=1, primary_key=True)
    last: int = 0
    removed: int = 0
    stream: str = ""
