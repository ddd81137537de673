"""Webhooks as they came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from engine.enums import Forge, HookStatus
from engine.store.tables.columns import (
    AUTOINCREMENT,
    enum_type,
    json_list,
    time_column,
    utc_now,
)


class HookDelivery(SQLModel, table=True):
    """A webhook as it came: worked off after it was answered, once for each ``delivery_id``.

    ``body`` is what is needed of what was posted, as JSON: nothing of commits and their authors.
    ``projects`` are those of whose own secret it was signed, empty for the common one. ``message``
    is what came of it.
    """

    __tablename__ = "hook_delivery"
    __table_args__ = (
        Index("ix_hook_delivery_once", "forge", "delivery_id", unique=True),
        AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    forge: Forge = Field(sa_column=Column(enum_type(Forge), nullable=False))
    delivery_id: str
    event: str
    body: str = ""
    projects: list[str] = Field(default_factory=list, sa_column=json_list())
    status: HookStatus = Field(
        default=HookStatus.WAITING,
        sa_column=Column(enum_type(HookStatus), nullable=False, index=True),
    )
    message: str = ""
    received_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    done_at: datetime | None = Field(default=None, sa_column=time_column())
    attempts: int = 0
