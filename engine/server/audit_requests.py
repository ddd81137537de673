"""Records in the audit log who did what through the API, and who was refused.

Never a body, a header or a query: an entry holds the route, and what a route says in
``request.state.audit_subject`` it was done to; else the values in its path. A WebSocket that is
opened is an entry if its route says what it is done to. A route that does nothing, though it is
asked by POST, says ``request.state.is_audited = False``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine import REFUSED_STATUSES, AuditRow, Engine, Principal
from engine.server.authentication import route_path

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_PREFIXES = ("/api/v1", "/api")
_WEBSOCKET = "WEBSOCKET"
_SWITCHED = 101


def install(app: FastAPI) -> None:
    """Have an app record what it is asked to do."""
    app.add_middleware(Audit, engine=app.state.engine)


class Audit:
    """ASGI middleware that records requests which are not only to read, and each refused one.

    Args:
        app: what is behind it.
        engine: keeps the log.
    """

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self._app = app
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, then record."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = _SWITCHED
                if "audit_subject" in scope.get("state", {}):
                    self._record(scope, status)
            elif message["type"] == "websocket.close" and status != _SWITCHED:
                status = int(HTTPStatus.FORBIDDEN)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if status != _SWITCHED:
                self._record(scope, status)

    def _record(self, scope: Scope, status: int) -> None:
        method = scope["method"] if scope["type"] == "http" else _WEBSOCKET
        if method in _READING and status not in REFUSED_STATUSES:
            return
        state: dict[str, Any] = scope.get("state", {})
        if not state.get("is_audited", True) and status not in REFUSED_STATUSES:
            return
        principal: Principal | None = state.get("principal")
        client = scope.get("client")
        path, values = _route(scope)
        subject = state.get("audit_subject")
        self._engine.access.record(
            AuditRow(
                actor=state.get("audit_actor") or (principal.name if principal else ""),
                address=client[0] if client else "",
                action=f"{method} {path}",
                subject=str(subject) if subject is not None else values,
                status=status,
                detail=state.get("audit_detail", ""),
            )
        )


def _route(scope: Scope) -> tuple[str, str]:
    """The template of the route that was chosen, and the values in its path.

    Where none was, as the request was refused before, it is the path itself.
    """
    path = route_path(scope)
    template: str | None = getattr(scope.get("route"), "path_format", None)
    if template is None:
        return path, ""
    prefix = next((each for each in _PREFIXES if path.startswith(f"{each}/")), "")
    if prefix and not template.startswith(f"{prefix}/"):
        template = prefix + template
    return template, ", ".join(str(value) for value in scope.get("path_params", {}).values())
