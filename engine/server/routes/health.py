"""Whether the server lives, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from engine.server.access import EngineOf

router = APIRouter(tags=["health"])


@router.get("/healthz", response_class=PlainTextResponse)
def is_alive() -> str:
    """Whether the server answers; needs no token."""
    return "ok\n"


@router.get(
    "/readyz",
    response_class=PlainTextResponse,
    responses={503: {"description": "It cannot; each line says why."}},
)
def is_ready(engine: EngineOf) -> PlainTextResponse:
    """Whether builds can be started and are carried out; needs no token."""
    hindrances = engine.hindrances()
    if hindrances:
        return PlainTextResponse("".join(f"{line}\n" for line in hindrances), 503)
    return PlainTextResponse("ok\n")
