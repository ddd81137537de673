"""The audit log: who did what through the API, and who was refused."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from engine.server.access import Admin, EngineOf
from engine.server.parameters import Before, Limit, next_page

router = APIRouter(tags=["access"])


class AuditEntry(BaseModel):
    """A request that was not only to read, or was refused."""

    number: int
    at: datetime
    actor: str = Field(
        examples=["ci"], description="Name of the token; empty for nobody who is known."
    )
    address: str = Field(examples=["192.0.2.7"], description="Where it came from.")
    action: str = Field(
        examples=["POST /api/v1/builds/{number}/cancel"], description="Method and route."
    )
    subject: str = Field(examples=["12"], description="What it was done to.")
    status: int = Field(examples=[200], description="HTTP status of the answer.")
    detail: str = Field(description="Why it was refused; empty for what was done.")


@router.get("/audit")
def list_audit(
    engine: EngineOf,
    _admin: Admin,
    request: Request,
    response: Response,
    limit: Limit = 50,
    before: Before = None,
) -> list[AuditEntry]:
    """List what was asked for that was not only to read, and what was refused, newest first."""
    found = engine.access.audit(limit=limit + 1, before=before)
    page = found[:limit]
    if len(found) > limit:
        next_page(request, response, before=page[-1].id)
    return [AuditEntry(number=row.id or 0, **row.model_dump(exclude={"id"})) for row in page]
