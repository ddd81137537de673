"""Tokens of the API: made, listed and revoked by who holds one of scope ``admin``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from engine import TokenRow
from engine.enums import Scope, TokenStatus
from engine.server.access import Admin, EngineOf

router = APIRouter(tags=["access"])

_MAX_SECONDS = 10**10  # some 300 years: more than a token may live

TokenName = Annotated[str, Path(min_length=1, max_length=64, description="Name of the token.")]


class TokenRequest(BaseModel):
    """A token that is wanted."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        max_length=200,
        examples=["ci"],
        description="What lists and the audit log call it: 1 to 64 printable characters, "
        "none of them `/`. That of a token which was revoked or has expired may be used again.",
    )
    scope: Scope = Field(description="What it allows; each scope includes those before.")
    expires_in: int | None = Field(
        default=None,
        ge=1,
        le=_MAX_SECONDS,
        examples=[2592000],
        description="Seconds after which it expires; null for never.",
    )


class TokenAnswer(BaseModel):
    """A token, without what it is."""

    name: str = Field(examples=["ci"])
    scope: Scope
    status: TokenStatus
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None = Field(description="When it was used last, to a minute.")


class NewTokenAnswer(TokenAnswer):
    """A new token."""

    token: str = Field(description="The token itself, which is told this once.")


@router.get("/tokens")
def list_tokens(engine: EngineOf, _admin: Admin) -> list[TokenAnswer]:
    """List tokens by name; also those that ended within the last 90 days."""
    return [_answer(row) for row in engine.access.tokens()]


@router.post("/tokens", status_code=201)
def create_token(
    wanted: TokenRequest, engine: EngineOf, _admin: Admin, request: Request
) -> NewTokenAnswer:
    """Make a token."""
    lifetime = timedelta(seconds=wanted.expires_in) if wanted.expires_in is not None else None
    token, row = engine.access.create_token(wanted.name, wanted.scope, lifetime)
    request.state.audit_subject = f"{row.name} ({row.scope})"
    return NewTokenAnswer(token=token, **_answer(row).model_dump())


@router.delete("/tokens/{name}")
def revoke_token(name: TokenName, engine: EngineOf, _admin: Admin) -> TokenAnswer:
    """Revoke a token: it is none from now on, and browsers that logged in with it are logged
    out."""
    return _answer(engine.access.revoke_token(name))


def _answer(row: TokenRow) -> TokenAnswer:
    return TokenAnswer(
        name=row.name,
        scope=row.scope,
        status=row.status(datetime.now(UTC)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )
