"""Notifications, and their way to channels."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from engine.enums import DeliveryStatus, NotificationKind
from engine.store.tables.columns import (
    AUTOINCREMENT,
    enum_type,
    json_list,
    time_column,
    utc_now,
)


class NotificationRow(SQLModel, table=True):
    """What happened that a person may want to know of, whoever was told.

    ``subject`` is what it is about, as :mod:`engine.notify.facts` names it; ``cause`` what it has
    in common with others, such as a hub; empty for none. ``body`` is the whole text.
    """

    __tablename__ = "notification"
    __table_args__ = (Index("ix_notification_unread", "read_at"), AUTOINCREMENT)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    kind: NotificationKind = Field(sa_column=Column(enum_type(NotificationKind), nullable=False))
    subject: str
    cause: str = ""
    title: str
    body: str = ""
    project: str = ""
    run_id: int | None = None
    read_at: datetime | None = Field(default=None, sa_column=time_column())

    @property
    def number(self) -> int:
        """The id of a notification that is in the store."""
        assert self.id is not None
        return self.id


class DeliveryRow(SQLModel, table=True):
    """One message on its way to one channel.

    ``lane`` is what it waits in line with: of each lane one is sent at a time. ``key`` names what
    the service keeps one of, such as the status of a commit; empty for messages. ``payload`` is
    what the channel needs beside title and body, without secrets. ``notifications`` are what it
    tells; ``tells`` is what its channel knows when it has arrived, by subject. ``cut`` is how many
    characters of the body the service had no room for. ``error`` is what went wrong last, masked.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "status", "due_at"),
        Index("ix_delivery_key", "channel", "key"),
        AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    channel: str = Field(index=True)
    lane: str
    key: str = ""
    title: str = ""
    body: str = ""
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    notifications: list[int] = Field(default_factory=list, sa_column=json_list())
    tells: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    status: DeliveryStatus = Field(
        default=DeliveryStatus.WAITING,
        sa_column=Column(enum_type(DeliveryStatus), nullable=False),
    )
    attempts: int = 0
    created_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    due_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    expires_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=time_column())
    error: str = ""
    cut: int = 0

    @property
    def number(self) -> int:
        """The id of a delivery that is in the store."""
        assert self.id is not None
        return self.id


class MuteRow(SQLModel, table=True):
    """Nothing is sent to ``channel`` about ``project`` before ``until``; empty for all of them."""

    __tablename__ = "mute"
    __table_args__ = (AUTOINCREMENT,)

    id: int | None = Field(default=None, primary_key=True)
    channel: str = ""
    project: str = ""
    until: datetime = Field(sa_column=time_column(nullable=False))
    reason: str = ""
    by: str = ""
    created_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))


class NotifyStateRow(SQLModel, table=True):
    """What notifications remember, as JSON: the cursor, each subject, each channel."""

    __tablename__ = "notify_state"

    key: str = Field(primary_key=True)
    body: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
