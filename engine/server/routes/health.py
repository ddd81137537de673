"""Whether the server lives, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

router = APIRouter(tags=["health"])


@router.get("/healthz", response_class=PlainTextResponse)
def is_alive() -> str:
    """Whether the server answers; needs no token."""
    return "ok\n"
