"""Finds out who asks, before anything is read of what they ask for.

It stands in front of all routes, so that one that forgets to ask for a scope is no open door, and
nobody learns without a token which paths there are. What a token may do is a matter of each route
(:mod:`engine.server.access`).
"""

from __future__ import annotations

import math
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from engine import Engine, Principal
from engine.errors import EspdeckError
from engine.server.credentials import Credential, Kind, read_credential
from engine.server.login_page import is_page_view
from engine.server.open_paths import is_open
from engine.server.origins import is_from_elsewhere
from engine.server.problems import problem, status_of
from engine.server.token_watch import TokenWatch

_NEEDED = (
    "a token is needed: espdeck token create, then 'Authorization: Bearer TOKEN' "
    "(a browser: /login)"
)
_WRONG = {
    Kind.BEARER: "no such token: it was mistyped, revoked or has expired (espdeck token list)",
    Kind.COOKIE: "logged out: log in again (/login)",
    Kind.TICKET: "no such ticket: it was used, is older than a minute or for another path "
    "(POST /api/v1/tickets)",
}
_OTHER_SCHEME = "the header has to be 'Authorization: Bearer TOKEN'"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="espdeck"'}


def install(app: FastAPI) -> None:
    """Have an app let nobody in who is not known, but for what is open."""
    app.add_middleware(Authentication, engine=app.state.engine)


class Authentication:
    """ASGI middleware that leaves in ``state.principal`` who asks and in ``state.credential`` what
    told so, None for nobody, and refuses them unless the path is open.

    Args:
        app: what is behind it.
        engine: knows tokens.
    """

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._watch = TokenWatch(engine.access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            principal, kind = await self._authenticate(connection)
            connection.state.principal = principal
            connection.state.credential = kind
            if principal is not None:
                wait_or_go_on(self._engine.access.count_request(principal), "requests")
            elif not is_open(route_path(scope)):
                if is_page_view(connection) and kind in (None, Kind.COOKIE):
                    await _to_login(connection)(scope, receive, send)
                    return
                self._refuse(connection, kind)
        except HTTPException as error:
            connection.state.audit_detail = error.detail
            headers = dict(error.headers) if error.headers else None
            refused = problem(HTTPStatus(error.status_code), error.detail, headers)
            await refused(scope, receive, send)
            return
        except EspdeckError as error:  # the database is held by somebody, for instance
            await problem(status_of(error), str(error))(scope, receive, send)
            return
        if principal is None:
            await self._app(scope, receive, send)
            return
        await self._watch.run(self._app, principal, scope, receive, send)

    async def _authenticate(
        self, connection: HTTPConnection
    ) -> tuple[Principal | None, Kind | None]:
        credential = read_credential(connection, self._engine.access.cookie_name)
        if credential is None:
            return None, None
        if credential.kind is Kind.COOKIE and is_from_elsewhere(
            connection, self._engine.settings.server.public_url
        ):
            raise HTTPException(
                HTTPStatus.FORBIDDEN,
                "a page of another server asks with this browser's cookie: use a token",
            )
        return await self._principal(credential, connection.scope), credential.kind

    def _refuse(self, connection: HTTPConnection, kind: Kind | None) -> None:
        """Say that they are not known.

        Raises:
            HTTPException: 401, or 429 after too many.
        """
        if kind is None:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, _NEEDED, _CHALLENGE)
        wait_or_go_on(self._engine.access.count_failure(address_of(connection)), "failed attempts")
        header = connection.headers.get("authorization", "")
        is_other = kind is Kind.BEARER and header[:7].lower() != "bearer "
        detail = _OTHER_SCHEME if is_other else _WRONG[kind]
        raise HTTPException(HTTPStatus.UNAUTHORIZED, detail, _CHALLENGE)

    async def _principal(self, credential: Credential, scope: Scope) -> Principal | None:
        access = self._engine.access
        if credential.kind is Kind.TICKET:
            if scope["type"] == "http" and scope["method"] != "GET":
                return None
            path = route_path(scope)
            return await run_in_threadpool(access.redeem_ticket, credential.values[0], path)
        is_token = credential.kind is Kind.BEARER
        remembered = access.remembered_token if is_token else access.remembered_session
        ask = access.verify if is_token else access.session
        found: set[Principal] = set()
        for value in credential.values:
            principal = remembered(value) or await run_in_threadpool(ask, value)
            if principal is not None:
                found.add(principal)
        if len({each.token_id for each in found}) > 1:
            raise HTTPException(
                HTTPStatus.BAD_REQUEST,
                "cookies of several logins: delete this host's cookies, then log in again",
            )
        return next(iter(found), None)


def address_of(connection: HTTPConnection) -> str:
    """Where somebody asks from; empty where it is not known."""
    return connection.client.host if connection.client is not None else ""


def route_path(scope: Scope) -> str:
    """The path that is asked for, decoded, without the prefix of a reverse proxy."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :] or "/"
    return path


def wait_or_go_on(seconds: float, what: str) -> None:
    """Refuse who asks too often.

    Raises:
        HTTPException: 429, there are seconds to wait.
    """
    if seconds:
        again = math.ceil(seconds)
        raise HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"too many {what}: again in {again} s",
            {"Retry-After": str(again)},
        )


def _to_login(connection: HTTPConnection) -> Response:
    wanted = connection.url
    target = wanted.path + (f"?{wanted.query}" if wanted.query else "")
    root = connection.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{root}/login?next={quote(target, safe='/')}", HTTPStatus.SEE_OTHER)
