"""Notifications: what people are told, and for how long they are not."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from engine.server.access import BuildUser, EngineOf, Reader
from engine.server.models.notifications import (
    Lifted,
    Marked,
    Mute,
    MuteBody,
    Notification,
    ReadBody,
)
from engine.server.parameters import Before, Limit, next_page

router = APIRouter(tags=["notifications"])

_Muted = Annotated[str, Query(max_length=200, description="As it was muted; empty for all.")]


@router.get("/notifications")
def list_notifications(
    request: Request,
    response: Response,
    engine: EngineOf,
    _reader: Reader,
    unread: Annotated[bool, Query(description="Only unread ones.")] = False,
    before: Before = None,
    limit: Limit = 50,
) -> list[Notification]:
    """List notifications, newest first."""
    found = engine.notifications.list(limit=limit + 1, before=before, unread=unread)
    page = found[:limit]
    if len(found) > limit:
        next_page(request, response, before=page[-1].number)
    return [Notification.of(row) for row in page]


@router.post("/notifications/read")
def mark_read(engine: EngineOf, _user: BuildUser, body: ReadBody | None = None) -> Marked:
    """Say that notifications were read."""
    numbers = body.ids if body is not None else None
    if numbers is not None:
        numbers = [number for number in numbers if 0 < number < 2**63]
    changed = engine.notifications.mark_read(numbers)
    return Marked(changed=changed, unread=engine.notifications.unread())


@router.get("/notifications/mutes")
def list_mutes(engine: EngineOf, _reader: Reader) -> list[Mute]:
    """List mutes that hold, the first to end first."""
    return [Mute.of(row) for row in engine.notifications.mutes()]


@router.post("/notifications/mutes")
def mute(body: MuteBody, engine: EngineOf, principal: BuildUser) -> Mute:
    """Send nothing for a while: to a channel, about a project, or at all."""
    row = engine.notifications.mute(
        channel=body.channel,
        project=body.project,
        hold=timedelta(hours=body.hours),
        reason=body.reason,
        by=principal.name,
    )
    return Mute.of(row)


@router.delete("/notifications/mutes")
def unmute(
    engine: EngineOf, _user: BuildUser, channel: _Muted = "", project: _Muted = ""
) -> Lifted:
    """Lift the mute that was set with the same words."""
    return Lifted(lifted=engine.notifications.unmute(channel=channel, project=project))
