"""Notifications as the HTTP API tells them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from engine import MuteRow, NotificationRow


class Notification(BaseModel):
    """What happened that a person may want to know of."""

    id: int
    at: datetime
    kind: str
    title: str
    body: str
    project: str = Field(description="Name; empty for none.")
    build_id: int | None = Field(description="The build or task that it is of.")
    read_at: datetime | None

    @classmethod
    def of(cls, row: NotificationRow) -> Notification:
        """A notification as the engine knows it."""
        return cls(
            id=row.number,
            at=row.at,
            kind=str(row.kind),
            title=row.title,
            body=row.body,
            project=row.project,
            build_id=row.run_id,
            read_at=row.read_at,
        )


class ReadBody(BaseModel):
    """Which notifications were read."""

    model_config = ConfigDict(extra="forbid")

    ids: list[int] | None = Field(
        default=None, max_length=1000, description="All of them, where null."
    )


class Marked(BaseModel):
    """How many changed, and how many nobody has read."""

    changed: int
    unread: int


class MuteBody(BaseModel):
    """What to send nothing about, and for how long."""

    model_config = ConfigDict(extra="forbid")

    hours: float = Field(gt=0, le=8760, allow_inf_nan=False)
    channel: str = Field(default="", max_length=200, description="Empty for all.")
    project: str = Field(default="", max_length=200, description="Empty for all.")
    reason: str = Field(default="", max_length=200)


class Mute(BaseModel):
    """Nothing is sent for a while."""

    channel: str
    project: str
    until: datetime
    reason: str
    by: str

    @classmethod
    def of(cls, row: MuteRow) -> Mute:
        """A mute as the engine knows it."""
        return cls(
            channel=row.channel, project=row.project, until=row.until, reason=row.reason, by=row.by
        )


class Lifted(BaseModel):
    """How many mutes were lifted."""

    lifted: int
