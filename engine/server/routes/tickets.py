"""Tickets: for what a browser opens without being able to send a token along."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from engine import TICKET_SECONDS
from engine.errors import UsageError
from engine.server.access import EngineOf, Reader

router = APIRouter(tags=["access"])

_MAX_PATH_CHARACTERS = 2_000


class TicketRequest(BaseModel):
    """What a ticket is wanted for."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(
        min_length=1,
        max_length=_MAX_PATH_CHARACTERS,
        examples=["/api/v1/ws"],
        description="Path of the URL that it is to open, as it stands there, without its query.",
    )


class TicketAnswer(BaseModel):
    """A ticket."""

    ticket: str = Field(description="Goes into the URL: `?ticket=TICKET`.")
    expires_in: int = Field(examples=[60], description="Seconds; it can be used once.")


@router.post("/tickets", status_code=201)
def create_ticket(
    wanted: TicketRequest, engine: EngineOf, reader: Reader, request: Request
) -> TicketAnswer:
    """Get a ticket: one WebSocket, event stream or download may be opened with it, by its path and
    with what your token allows, within a minute."""
    url = urlsplit(wanted.path)
    if url.scheme or url.netloc or url.query or url.fragment:
        raise UsageError(f"path {wanted.path[:80]!r}: a path alone, such as /api/v1/ws")
    path = unquote(url.path)
    root = request.scope.get("root_path", "").rstrip("/")
    if root and path.startswith(f"{root}/"):
        path = path[len(root) :]
    request.state.is_audited = False  # who has it may do no more than who asked
    return TicketAnswer(
        ticket=engine.access.issue_ticket(reader, path), expires_in=int(TICKET_SECONDS)
    )
