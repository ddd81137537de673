"""What the log says of requests: who asked for what, and how it was answered."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger("espdeck.http")

_REFUSED = frozenset((401, 403, 408, 413, 421, 429))
_SWITCHED = 101  # to a WebSocket
_MAX_LOGGED_CHARACTERS = 200


class AccessLog:
    """Writes a line to the log when an answer begins: of what was refused at level info, else at
    level debug. The query is left out: it may hold a ticket.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        scope.setdefault("state", {})

        async def noting(message: Message) -> None:
            kind = message["type"]
            if kind in ("http.response.start", "websocket.http.response.start"):
                _write(scope, message["status"], time.monotonic() - began)
            elif kind == "websocket.accept":
                _write(scope, _SWITCHED, time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, noting)


def _write(scope: Scope, status: int, seconds: float) -> None:
    client = scope.get("client") or ("-",)
    principal = scope["state"].get("principal")
    _LOG.log(
        logging.INFO if status in _REFUSED else logging.DEBUG,
        "%s %s %s: %s after %.0f ms%s",
        client[0],
        scope.get("method", "WebSocket"),
        scope["path"][:_MAX_LOGGED_CHARACTERS],
        status,
        seconds * 1000,
        f" by {principal.name}" if principal is not None else "",
    )
