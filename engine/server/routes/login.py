"""Logging a browser in and out: its cookie stands for a token, and is none."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field, ValidationError

from engine import Principal
from engine.server.access import EngineOf
from engine.server.authentication import address_of, wait_or_go_on
from engine.server.credentials import Kind, read_credential
from engine.server.login_cookie import delete_cookie, set_cookie
from engine.server.login_page import HEADERS, login_page
from engine.server.origins import names_other_origin

router = APIRouter(tags=["access"])

_MAX_BODY_BYTES = 8_000
_FORM = "application/x-www-form-urlencoded"
_START_PAGE = "/"
_WRONG = "no such token: it was mistyped, revoked or has expired"


class LoginRequest(BaseModel):
    """With what a browser logs in."""

    token: str = Field(max_length=500, description="Of `espdeck token create`.")
    next: str = Field(default="", max_length=4_000, description="Path to go to then.")


class LoginAnswer(BaseModel):
    """Who is logged in."""

    name: str = Field(examples=["ci"], description="Of the token.")
    scope: str = Field(examples=["read"])


async def _login_request(request: Request) -> LoginRequest:
    """What was posted, as a form or as JSON.

    Raises:
        HTTPException: 413, 415 or 422, it is neither.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "that is not a token")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields: Any
    try:
        if kind == _FORM:
            parsed = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
            fields = {name: values[-1] for name, values in parsed.items()}
        elif kind == "application/json":
            fields = json.loads(body)
        else:
            raise HTTPException(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_FORM} or application/json"
            )
        return LoginRequest.model_validate(fields)
    except (ValidationError, ValueError, RecursionError) as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "token: none was sent") from error


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": LoginRequest.model_json_schema()}
            for kind in ("application/json", _FORM)
        },
    }
}


@router.get("/login", response_class=HTMLResponse, include_in_schema=False)  # a page
def show_login(request: Request, next: str = "") -> HTMLResponse:
    """Show the page to log in."""
    principal: Principal | None = request.state.principal
    page = login_page(
        _root(request),
        _safe_target(next, request),
        name=principal.name if principal is not None else "",
        scope=principal.scope if principal is not None else "",
    )
    return HTMLResponse(page, headers=HEADERS)


@router.post("/login", response_model=LoginAnswer, openapi_extra=_BODY, include_in_schema=False)
def log_in(
    request: Request, engine: EngineOf, wanted: Annotated[LoginRequest, Depends(_login_request)]
) -> Response:
    """Log a browser in with a token: sets a cookie that is good for a week, or until the token
    ends. A form is answered with a redirect, JSON with JSON."""
    if names_other_origin(request, engine.settings.server.public_url):
        raise HTTPException(HTTPStatus.FORBIDDEN, "a page of another server asks")
    cookie = engine.access.open_session(wanted.token)
    is_form = request.headers["content-type"].lower().startswith(_FORM)
    target = _safe_target(wanted.next, request)
    if cookie is None:
        request.state.audit_detail = _WRONG
        wait_or_go_on(engine.access.count_failure(address_of(request)), "failed attempts")
        if not is_form:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, _WRONG)
        page = login_page(_root(request), target, alert=_WRONG)
        return HTMLResponse(page, HTTPStatus.UNAUTHORIZED, HEADERS)
    principal = engine.access.session(cookie)
    answer: Response
    if is_form:
        answer = RedirectResponse(target, HTTPStatus.SEE_OTHER, HEADERS)
    else:
        assert principal is not None
        who = LoginAnswer(name=principal.name, scope=principal.scope)
        answer = JSONResponse(who.model_dump(), headers={"Cache-Control": "no-store"})
    request.state.audit_actor = principal.name if principal is not None else ""
    set_cookie(answer, request, engine, cookie)
    return answer


@router.post("/logout", status_code=204, response_class=Response, include_in_schema=False)
def log_out(request: Request, engine: EngineOf) -> Response:
    """Log a browser out: its cookie is worth nothing from now on."""
    credential = read_credential(request, engine.access.cookie_name)
    if credential is not None and credential.kind is Kind.COOKIE:
        for value in credential.values:
            engine.access.close_session(value)
    answer: Response
    if "text/html" in request.headers.get("accept", ""):
        answer = RedirectResponse(f"{_root(request)}/login", HTTPStatus.SEE_OTHER)
    else:
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
    delete_cookie(answer, request, engine)
    return answer


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


def _safe_target(target: str, request: Request) -> str:
    """Where to go after the login: a path of this server, whatever a link says."""
    root = _root(request)
    is_path = target.startswith("/") and target.isascii() and target.isprintable()
    # A browser takes \\ for /, and // for the start of a host.
    if not is_path or "\\" in target or target.startswith("//"):
        return f"{root}{_START_PAGE}"
    return target if target.startswith(f"{root}/") else f"{root}{_START_PAGE}"
