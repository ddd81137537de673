"""Projects."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from engine.enums import ProjectStatus
from engine.store.tables.columns import enum_type, json_list, time_column, utc_now


class Project(SQLModel, table=True):
    """A Git repository under watch, or one app of it.

    ``app`` is the folder that is built, empty for the root. ``target`` is the chip of a plain
    build, empty as long as neither a person nor the sources say one; ``targets`` are all that it is
    built for. ``configuration`` is what a plain build adds to the defaults: ``NAME`` of an
    ``sdkconfig.ci.NAME``, an environment of PlatformIO, a profile of a sketch; empty for none.

    ``branch`` is the branch or tag that is followed, None while ``HEAD`` of the source is
    detached; ``branch_chosen`` whether a person chose it, else it is where ``HEAD`` is.
    ``tip`` is its commit as of ``synced_at``.
    """

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    name: str = Field(unique=True)
    source: str
    app: str = Field(default="", sa_column_kwargs={"server_default": ""})
    configuration: str = Field(default="", sa_column_kwargs={"server_default": ""})
    branch: str | None = None
    branch_chosen: bool = False
    tip: str = ""
    target: str
    targets: list[str] = Field(default_factory=list, sa_column=json_list())
    status: ProjectStatus = Field(
        default=ProjectStatus.PENDING,
        sa_column=Column(enum_type(ProjectStatus), nullable=False),
    )
    status_detail: str = ""
    clone_path: str = ""
    created_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    updated_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    synced_at: datetime | None = Field(default=None, sa_column=time_column())
