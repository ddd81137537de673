"""Every route there is: without a token, with one that is none any more, and of each scope."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from engine import Engine
from engine.access.service import Access
from engine.enums import Scope
from engine.server.access import ScopeNeeded, StreamScopeNeeded
from engine.server.app import create_app
from engine.server.open_paths import is_open
from engine.store.database import Store
from tests.engine.server.asgi import WEBSOCKET, Answer, ask

OPEN = {
    "/healthz": "a supervisor or load balancer has no token, and is told nothing but ok",
    "/readyz": "the same",
    "/login": "who has no cookie yet",
    "/logout": "who has none any more",
    "/api/v1/webhook": "a forge has no token and signs what it posts",
    "/api/webhook": "the same for callers of older systems",
    "/api/v1/webhook/": "the same with a slash behind it, as people enter it",
    "/api/webhook/": "the same",
    "/api/v1/download/{sha256}/{name}": "a signed link that expires, made for who may read it",
    "/api/download/{sha256}/{name}": "the same",
    "/badge/{project}.svg": "pages of forges show it; of public projects alone",
    "/badge/{project}/{branch:path}.svg": "the same",
}
"""Routes that need no token, and why; not all of them have to be there."""

ANY_TOKEN = {
    "/docs": "the documents of the API, which is public software",
    "/docs/oauth2-redirect": "part of them",
    "/redoc": "part of them",
    "/docs/static": "script and style of them, which are public software",
    "/openapi.json": "part of them",
    "/app/static": "script, style and font of the terminal, which are public software",
}
"""Routes that any token opens."""

READ_BY_POST = {
    "/tickets": "gives what the token may do already",
    "/builds/{number}/artifacts/{path:path}/url": "links to what the token may read",
    "/artifacts/{sha256}/url": "the same",
}
"""What is asked by POST and changes nothing, so that it needs no more than to read; and why."""

_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Route:
    """A route as it is asked for.

    Args:
        method: or ``WEBSOCKET``.
        template: its path with parameters.
        scope: that it says it needs; None for none.
    """

    method: str
    template: str
    scope: Scope | None

    @property
    def path(self) -> str:
        """A path that it stands for."""
        return _PARAMETER.sub("1", self.template.replace("{sha256}", "0" * 64))


def routes_of(app: FastAPI) -> list[Route]:
    """Every route of an app, once a method."""
    found = []
    for each in iter_route_contexts(app.routes):
        template = each.path
        assert template is not None
        dependant = getattr(each, "dependant", None)
        scope = scope_of(dependant) if dependant is not None else None
        if isinstance(each.original_route, Mount):
            found.append(Route("GET", template, scope))
            continue
        for method in sorted(each.methods or {WEBSOCKET}):
            found.append(Route(method, template, scope))
    return found


def scope_of(dependant: Dependant) -> Scope | None:
    """The highest scope that a route depends on."""
    scopes = [scope_of(each) for each in dependant.dependencies]
    if isinstance(dependant.call, ScopeNeeded):
        scopes.append(dependant.call.scope)
    return max(filter(None, scopes), key=list(Scope).index, default=None)


def without_a_scope(app: FastAPI) -> list[str]:
    """Routes that say no scope and are on none of the lists."""
    return [
        f"{route.method} {route.template}"
        for route in routes_of(app)
        if route.scope is None and route.template not in OPEN | ANY_TOKEN
    ]


@pytest.fixture
def app(engine: Engine) -> FastAPI:
    return create_app(engine)


@pytest.fixture
def closed(app: FastAPI) -> list[Route]:
    """Routes that are not open."""
    return [route for route in routes_of(app) if route.template not in OPEN]


@pytest.fixture
def tokens(engine: Engine, tmp_path: Path) -> dict[str, str]:
    """A token of each scope by its name, and others of scope ``admin`` that are none any more."""
    long_ago = datetime.now(UTC) - timedelta(days=1)
    store = Store(tmp_path / "lab" / "espdeck.db")
    then = Access(store, lambda: long_ago)
    found = {
        "expired": then.create_token("expired", Scope.ADMIN, timedelta(hours=1))[0],
        "revoked": then.create_token("revoked", Scope.ADMIN)[0],
        "wrong": "espdeck_" + "A" * 43,
    }
    then.revoke_token("revoked")
    then.close()
    store.close()
    return found | {scope: engine.access.create_token(scope, scope)[0] for scope in Scope}


@pytest.fixture
def nothing_done(engine: Engine, tmp_path: Path) -> Iterator[None]:
    """Sees that the test changes nothing of a workspace, but for notes of who asked."""
    before = contents(tmp_path / "lab")
    yield
    assert contents(tmp_path / "lab") == before


def contents(workspace: Path) -> tuple[list[str], list[str]]:
    """The database's rows and the files of a workspace, without what tells of who asked."""
    with sqlite3.connect(workspace / "espdeck.db") as database:
        rows = [
            line
            for line in database.iterdump()
            if not re.match(r'INSERT INTO "?(audit|token|login_session|sqlite_sequence)"?', line)
        ]
    database.close()
    files = [str(each) for each in workspace.rglob("*") if each.suffix not in (".log", ".db-wal")]
    return rows, sorted(files)


def ask_with(app: FastAPI, route: Route, token: str | None) -> Answer:
    headers = [("Authorization", f"Bearer {token}")] if token is not None else []
    return ask(app, route.method, route.path, headers, body=b"{")


def test_each_route_says_which_scope_it_needs_or_is_on_a_list(app: FastAPI) -> None:
    assert without_a_scope(app) == []


def test_a_route_without_a_scope_is_found(app: FastAPI) -> None:
    @app.post("/api/v1/forgotten")
    def forgotten() -> None: ...

    @app.post("/api/v1/protected", dependencies=[Depends(ScopeNeeded(Scope.ADMIN))])
    def protected() -> None: ...

    assert without_a_scope(app) == ["POST /api/v1/forgotten"]
    assert ask(app, "POST", "/api/v1/forgotten").status == 401


def test_what_needs_no_token_is_on_the_list(app: FastAPI) -> None:
    for route in routes_of(app):
        assert is_open(route.path) == (route.template in OPEN), route


def test_what_a_browser_opens_by_its_url_takes_a_ticket(app: FastAPI) -> None:
    cookie_only = {"/app/ws": "a page of this server opens it, which has the cookie"}
    for each in iter_route_contexts(app.routes):
        kind = getattr(each, "response_class", None)
        is_stream = isinstance(kind, type) and issubclass(kind, StreamingResponse | FileResponse)
        if each.path in cookie_only or not (is_stream or each.methods is None):
            continue
        if not isinstance(each.original_route, Mount):
            assert takes_tickets(each.dependant), each.path


def takes_tickets(dependant: Dependant) -> bool:
    """Whether a route depends on a scope that a ticket will do for."""
    return isinstance(dependant.call, StreamScopeNeeded) or any(
        takes_tickets(each) for each in dependant.dependencies
    )


def test_a_link_without_its_signature_opens_nothing(app: FastAPI) -> None:
    for route in routes_of(app):
        if "/download/" in route.template:
            assert ask_with(app, route, None).status in (401, 403, 422), route


def test_what_changes_something_needs_more_than_to_read(app: FastAPI) -> None:
    for route in routes_of(app):
        if route.method in ("POST", "PUT", "PATCH", "DELETE") and route.scope is Scope.READ:
            assert re.sub("^/api(/v1)?", "", route.template) in READ_BY_POST, route


def test_any_token_opens_the_documents(app: FastAPI, tokens: dict[str, str]) -> None:
    for template in ("/docs", "/redoc", "/openapi.json"):
        answer = ask_with(app, Route("GET", template, None), tokens[Scope.READ])
        assert answer.status == 200, template


@pytest.mark.usefixtures("nothing_done")
@pytest.mark.parametrize("token", [None, "wrong", "expired", "revoked"])
def test_nothing_answers_who_is_not_known(
    app: FastAPI, closed: list[Route], tokens: dict[str, str], token: str | None
) -> None:
    for route in closed:
        answer = ask_with(app, route, tokens[token] if token else None)
        assert (answer.status, answer.content_type) == (401, "application/problem+json"), route
        assert answer.detail


@pytest.mark.usefixtures("nothing_done")
@pytest.mark.parametrize("scope", [Scope.READ, Scope.BUILD, Scope.FLASH])
def test_nothing_answers_a_narrower_token(
    app: FastAPI, closed: list[Route], tokens: dict[str, str], scope: Scope
) -> None:
    asked = 0
    for route in closed:
        if route.scope is None or scope.allows(route.scope):
            continue
        asked += 1
        answer = ask_with(app, route, tokens[scope])
        assert (answer.status, answer.content_type) == (403, "application/problem+json"), route
        assert f"{route.scope} is needed" in answer.detail
    assert asked
