"""Webhooks of forges: taken here, worked off by the process that executes runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine import HookDelivery
from engine.enums import Forge, HookStatus
from engine.errors import AccessError
from engine.server.access import Admin, EngineOf
from engine.server.authentication import address_of, wait_or_go_on
from engine.server.parameters import MAX_NUMBER, Before, Limit, next_page
from engine.server.responses import SafeJson

router = APIRouter(tags=["webhooks"], default_response_class=SafeJson)

_MAX_SUBJECT = 200
_Number = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="Number of a webhook.")]


class WebhookTaken(BaseModel):
    """What becomes of a delivery."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    """Its number here."""

    status: HookStatus
    """``waiting`` until it is worked off."""

    message: str
    """One line."""


class Webhook(BaseModel):
    """A delivery of a webhook, and what came of it."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)

    id: int
    """Its number here."""

    forge: Forge
    """Whose it is."""

    event: str = Field(examples=["push"])
    """What happened, as the forge calls it."""

    delivery_id: str
    """Its id at the forge."""

    status: HookStatus
    """``done`` started builds, ``ignored`` and ``failed`` say why in ``message``."""

    message: str = Field(examples=["sensor-hub: main is at 3f2a1b9: build 12 started"])
    """What came of it."""

    received_at: datetime
    """When it came first, or was last delivered again after a failure."""

    done_at: datetime | None
    """When it was worked off."""

    attempts: int
    """How often that was tried."""


async def _raw_body(request: Request) -> bytes:
    """What was posted, before anybody reads anything into it; its size is bounded already."""
    return await request.body()


# Forges follow no redirect to the path without the slash, or do so with GET.
@router.post("/webhook/", response_model=None, include_in_schema=False)
@router.post(
    "/webhook",
    response_model=WebhookTaken,
    status_code=202,
    responses={
        200: {"description": "Nothing to do: a ping, a repeat, or an event that starts no build."},
        403: {"description": "Not signed with a secret of the settings."},
    },
)
def take_webhook(
    request: Request, engine: EngineOf, body: Annotated[bytes, Depends(_raw_body)]
) -> SafeJson:
    """Take a webhook of GitHub, GitLab, Gitea or Forgejo: signed instead of with a token."""
    headers = dict(request.headers)
    try:
        taken = engine.webhooks.receive(headers, body)
    except AccessError:
        wait_or_go_on(engine.access.count_failure(address_of(request)), "failed attempts")
        raise
    row = taken.row
    request.state.audit_actor = str(row.forge)
    request.state.audit_subject = f"{row.event} {row.delivery_id}"[:_MAX_SUBJECT]
    waits = taken.is_new and row.status is HookStatus.WAITING
    answer = WebhookTaken(id=row.id or 0, status=row.status, message=taken.message)
    return SafeJson(answer.model_dump(mode="json"), 202 if waits else 200)


@router.get("/webhooks")
def list_webhooks(
    request: Request,
    response: Response,
    engine: EngineOf,
    _admin: Admin,
    status: Annotated[HookStatus | None, Query(description="Only those with this status.")] = None,
    forge: Annotated[Forge | None, Query(description="Only those of this forge.")] = None,
    limit: Limit = 50,
    before: Before = None,
) -> list[Webhook]:
    """Deliveries of webhooks, newest first, with what came of them."""
    found = engine.webhooks.list(status=status, forge=forge, limit=limit + 1, before=before)
    page = found[:limit]
    if len(found) > limit:
        next_page(request, response, before=page[-1].id)
    return [_shown(row) for row in page]


@router.get("/webhooks/{number}")
def show_webhook(number: _Number, engine: EngineOf, _admin: Admin) -> Webhook:
    """One delivery."""
    return _shown(engine.webhooks.get(number))


@router.post("/webhooks/{number}/redeliver", status_code=202)
def redeliver_webhook(number: _Number, engine: EngineOf, _admin: Admin) -> Webhook:
    """Work a delivery off again, as if it had come now."""
    return _shown(engine.webhooks.redeliver(number))


def _shown(row: HookDelivery) -> Webhook:
    return Webhook.model_validate(row)
