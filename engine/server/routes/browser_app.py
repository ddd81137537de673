"""The app in a browser: its page, and the connection to a process of the app.

It can do all that the user can do whose server it is, so it takes a token of the scope ``admin``.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from importlib.resources import files
from typing import Annotated

import textual_serve
from fastapi import APIRouter, FastAPI, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from engine import Engine
from engine.enums import Scope
from engine.server.access import Admin, Reader
from engine.server.app_session import (
    MAX_MESSAGE_CHARACTERS,
    AppSession,
    app_command,
    terminal_size,
)

MAX_SESSIONS = 8
"""Browsers at once: each has a process of the app."""

_PAGE = files("engine.server") / "pages" / "app.html"
_TOO_BIG, _TRY_AGAIN_LATER = 1009, 1013  # RFC 6455 and its registry of close codes

router = APIRouter(include_in_schema=False)


def mount_static(app: FastAPI) -> None:
    """Serve the terminal's script, style sheet and font, which come with textual-serve."""
    folder = files(textual_serve) / "static"
    app.mount("/app/static", StaticFiles(directory=str(folder)), name="app-static")


@router.get("/", response_class=RedirectResponse)
def start(principal: Reader) -> RedirectResponse:
    """Go to what a person in a browser can use: the app, else the documents of the API."""
    return RedirectResponse("app/" if principal.scope.allows(Scope.ADMIN) else "docs", 303)


@router.get("/app/", response_class=HTMLResponse)
def page(
    _principal: Admin, font_size: Annotated[int, Query(alias="fontsize", ge=6, le=60)] = 16
) -> HTMLResponse:
    """The page whose terminal shows the app."""
    nonce = secrets.token_urlsafe(16)
    html = _PAGE.read_text("utf-8")
    html = html.replace("{{nonce}}", nonce).replace("{{font_size}}", str(font_size))
    policy = (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


@router.websocket("/app/ws")
async def connect(
    websocket: WebSocket, _principal: Admin, width: int = 80, height: int = 24
) -> None:
    """Show the app in a browser's terminal until either of them ends."""
    sessions: set[AppSession] = websocket.app.state.app_sessions
    websocket.state.audit_subject = "the app"
    await websocket.accept()
    if len(sessions) >= MAX_SESSIONS:
        await websocket.close(_TRY_AGAIN_LATER, "too many browsers show the app")
        return

    async def close() -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
            await websocket.close()

    engine: Engine = websocket.app.state.engine
    settings = engine.settings
    session = AppSession(
        app_command(settings.workspace, settings.profile),
        write_bytes=websocket.send_bytes,
        write_str=websocket.send_text,
        close=close,
    )
    sessions.add(session)
    try:
        await session.start(*terminal_size(width, height))
        with contextlib.suppress(WebSocketDisconnect):
            await _hand_over(websocket, session)
    finally:
        sessions.discard(session)
        await asyncio.shield(session.stop())


async def _hand_over(websocket: WebSocket, session: AppSession) -> None:
    """Hand what the browser says to the app.

    Raises:
        WebSocketDisconnect: the browser went away.
    """
    while True:
        text = await websocket.receive_text()
        if len(text) > MAX_MESSAGE_CHARACTERS:
            await websocket.close(_TOO_BIG, "the message is too long")
            return
        if (answer := await session.take(text)) is not None:
            await websocket.send_text(answer)
