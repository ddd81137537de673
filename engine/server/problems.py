"""Errors as answers: ``application/problem+json`` (RFC 9457), whose ``detail`` is one line."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import Match, Mount

from engine import REFUSED_STATUSES, StoreError
from engine.errors import (
    AccessError,
    BoardBusyError,
    BoardError,
    ConflictError,
    EspdeckError,
    MissingToolError,
    NotFoundError,
    ToolError,
    UsageError,
)
from engine.server.credentials import Kind
from engine.server.login_page import is_page_view, refused_page

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[EspdeckError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (BoardBusyError, HTTPStatus.CONFLICT),
    (AccessError, HTTPStatus.FORBIDDEN),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BoardError, HTTPStatus.CONFLICT),
    (ToolError, HTTPStatus.CONFLICT),
    (MissingToolError, HTTPStatus.CONFLICT),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""What an error is told as; the first that fits."""


_NO_UPGRADE = (
    "a WebSocket, and it was asked for by plain HTTP: a reverse proxy has to hand on the headers "
    "Upgrade and Connection"
)
_UNREADABLE = "There was an error parsing the body"  # FastAPI's words for bytes that are no UTF-8


def problem(
    status: HTTPStatus, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """An answer that tells a problem.

    Args:
        status: the HTTP status.
        detail: one line: what happened and what to do.
        headers: beside its own.
        more: members of the answer beside those of RFC 9457.
    """
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return JSONResponse(body | more, status, headers, media_type=MEDIA_TYPE)


def status_of(error: EspdeckError) -> HTTPStatus:
    """The HTTP status of an error of the engine."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return HTTPStatus.SERVICE_UNAVAILABLE  # it is explained: builds cannot be executed now, say


def install(app: FastAPI) -> None:
    """Have an app tell errors so, those of WebSockets that are not accepted yet, too."""

    @app.exception_handler(EspdeckError)
    async def explained(connection: HTTPConnection, error: EspdeckError) -> Response:
        return _noted(connection, status_of(error), str(error))

    @app.exception_handler(HTTPException)
    async def of_http(connection: HTTPConnection, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        headers = dict(error.headers) if error.headers else None
        detail = str(error.detail)
        if status is HTTPStatus.NOT_FOUND and _is_websocket(app, connection):
            return problem(HTTPStatus.UPGRADE_REQUIRED, _NO_UPGRADE, {"Upgrade": "websocket"})
        if detail == _UNREADABLE:
            detail = "the body is not JSON in UTF-8"
        elif detail == status.phrase:  # Starlette's own
            detail = _without_a_route(connection, status) or detail
        return _noted(connection, status, detail, headers)

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(WebSocketRequestValidationError)
    async def of_input(
        _connection: HTTPConnection, error: RequestValidationError | WebSocketRequestValidationError
    ) -> JSONResponse:
        found = error.errors()
        errors = [{key: each[key] for key in ("loc", "msg", "type")} for each in found]
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            _in_a_line(found[0]),
            errors=jsonable_encoder(errors),
        )

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> JSONResponse:
        detail = "an error of espdeck itself: espdeck daemon logs tells which"
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _is_websocket(app: FastAPI, connection: HTTPConnection) -> bool:
    """Whether what is asked for by HTTP is there as a WebSocket."""
    if connection.scope["type"] != "http":
        return False
    scope = {**connection.scope, "type": "websocket"}
    routes = (route for route in app.routes if not isinstance(route, Mount))
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


def _is_logged_in(connection: HTTPConnection) -> bool:
    """Whether it is a person at a browser who is logged in."""
    state = connection.state
    return is_page_view(connection) and getattr(state, "credential", None) is Kind.COOKIE


def _without_a_route(connection: HTTPConnection, status: HTTPStatus) -> str | None:
    """What is said where no route takes what is asked."""
    if status is HTTPStatus.NOT_FOUND:
        return "no such path: /docs lists all calls"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        method = connection.scope["method"]
        return f"this path does not take {method}: /docs lists all calls"
    return None


def _in_a_line(error: Mapping[str, Any]) -> str:
    """An error of pydantic or FastAPI, in the words of who asks rather than in those of Python."""
    place = error["loc"]
    where = ".".join(str(part) for part in place)
    match error["type"]:
        case "json_invalid":
            return f"the body is not JSON: {error['ctx']['error']}, at character {place[-1]}"
        case "extra_forbidden":
            kind = "field" if place[0] == "body" else "parameter"
            return f"{where}: no such {kind}"
        case "model_attributes_type" | "model_type" | "dict_type":
            return f"{where}: a JSON object is needed"
    return f"{where}: {error['msg']}"


def _noted(
    connection: HTTPConnection,
    status: HTTPStatus,
    detail: str,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer; the audit log gets to know why something was refused."""
    if status in REFUSED_STATUSES:
        connection.state.audit_detail = detail
    if status is HTTPStatus.FORBIDDEN and _is_logged_in(connection):
        return refused_page(connection, detail)
    return problem(status, detail, headers)
