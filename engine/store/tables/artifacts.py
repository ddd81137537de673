"""What runs keep, and what of it is in a store of artifacts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

import engine.store.tables.runs  # noqa: F401 - a foreign key of it
from engine.enums import ArtifactKind
from engine.store.tables.columns import enum_type, flag_column, time_column


class Artifact(SQLModel, table=True):
    """A file that a run keeps; ``path`` is relative to the run's artifacts folder.

    ``stage`` and ``attempt`` made it; empty and 0 where that is not known. Of several with the same
    path the last one counts that is not ``superseded``: a retry did its stage again, or it is of a
    repair that was taken back.
    """

    __table_args__ = (Index("ix_artifact_once", "run_id", "path", "stage", "attempt", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    stage: str = Field(default="", sa_column_kwargs={"server_default": ""})
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    kind: ArtifactKind = Field(sa_column=Column(enum_type(ArtifactKind), nullable=False))
    path: str
    size: int
    sha256: str = Field(index=True)
    superseded: bool = Field(default=False, sa_column=flag_column())


class StoredObject(SQLModel, table=True):
    """Content that is in a store of artifacts, or on its way there.

    ``place`` is the store, as the setting ``artifacts`` names it. The row is written before
    anything is sent and goes after the object was deleted there, so that a process that is killed
    leaves no object that no row names. ``stored_at`` is when it was seen whole in the store; None
    while it still has to be moved: it is not tried again before ``due_at``, as it failed
    ``failures`` times, the last time because of ``error``.
    """

    __tablename__ = "stored_object"

    sha256: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    size: int
    stored_at: datetime | None = Field(default=None, sa_column=time_column())
    due_at: datetime | None = Field(default=None, sa_column=time_column())
    failures: int = 0
    error: str = ""
