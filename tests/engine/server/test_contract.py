"""The OpenAPI document: what it promises is kept, and the manual's tables are of the same calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute

from engine.enums import Scope
from engine.server import openapi
from engine.server.access import ScopeNeeded
from engine.server.app import API_ROUTERS, ROOT_ROUTERS
from tests.engine.server.contract import call_all, lab
from tests.tui.guide.pages import ROOT, tables

PAGE = ROOT / "tui" / "guide" / "api.md"
_HEAD = ("call", "scope", "what it does", "test")
_CALL = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|WebSocket) (/[^\s`]*)")


@pytest.fixture
def document(admin: httpx.Client) -> dict[str, Any]:
    answer = admin.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
def test_answers_are_as_the_document_says(tmp_path: Path) -> None:
    """One example of each call, right or wrong; ``python -m tests.bench contract`` tries more."""
    with lab(tmp_path) as called:
        assert call_all(called, 1, is_short=True) == []


def test_each_operation_has_a_name_a_tag_that_is_described_and_a_text(
    document: dict[str, Any],
) -> None:
    names = [operation["operationId"] for _, operation in openapi.operations(document)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []
    described = {tag["name"] for tag in document["tags"]}
    for path, operation in openapi.operations(document):
        assert set(operation["tags"]) <= described, path
        assert operation["summary"], path
        assert operation.get("description"), path


def test_errors_are_problems(document: dict[str, Any]) -> None:
    for path, operation in openapi.operations(document):
        for code, response in operation["responses"].items():
            if not code.startswith(("4", "5", "default")):
                continue
            if "$ref" in response:
                name = response["$ref"].rpartition("/")[2]
                response = document["components"]["responses"][name]
            assert "application/problem+json" in response.get("content", {}), (path, code)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_document_is_of_this_version_and_below_no_path(document: dict[str, Any]) -> None:
    assert document["info"]["title"] == "espdeck"
    assert "servers" not in document


# The manual's tables


@cache
def table_rows() -> list[list[str]]:
    """Rows of the tables of calls: method and path, scope, what it does, test."""
    found = []
    for _, rows in tables(PAGE):
        if tuple(cell.content for cell in rows[0]) == _HEAD:
            found += [[cell.content for cell in row] for row in rows[1:]]
    return found


def told() -> Iterator[tuple[str, str]]:
    """Method and path of each call, and the scope that it needs."""
    for call, scope, *_ in table_rows():
        found = _CALL.findall(call)
        assert found, call
        for method, path in found:
            said = scope.replace("`", "").partition(",")[0]
            yield f"{method} {path}", said if said in [*Scope] else "none"


def served() -> Iterator[tuple[str, str]]:
    """Method and path of each route, those below /api/v1 once, and the scope that it asks for."""
    for routers, prefix in ((API_ROUTERS, "/api/v1"), (ROOT_ROUTERS, "")):
        for router in routers:
            for route in router.routes:
                assert isinstance(route, APIRoute | APIWebSocketRoute), route
                if route.path == "/webhook/":
                    continue  # the same as without the slash
                methods = route.methods if isinstance(route, APIRoute) else {"WebSocket"}
                for method in (methods or set()) - {"HEAD"}:
                    yield f"{method} {prefix}{route.path.replace(':path}', '}')}", _scope(route)


def _scope(route: APIRoute | APIWebSocketRoute) -> str:
    return next(_scopes(route.dependant), "none")


def _scopes(dependant: Dependant) -> Iterator[str]:
    for each in dependant.dependencies:
        if isinstance(each.call, ScopeNeeded):
            yield str(each.call.scope)
        yield from _scopes(each)


def test_the_manual_names_every_call_and_no_other() -> None:
    calls = [call for call, _ in told()]
    assert sorted(calls) == sorted({call for call, _ in served()})


def test_the_scope_that_the_manual_names_is_needed() -> None:
    assert sorted(set(told()) - set(served())) == []


def test_the_manual_names_tests_that_there_are() -> None:
    for row in table_rows():
        names = re.findall(r"(tests/[\w/]+\.py)::(\w+)", row[3])
        assert names, row
        for file, test in names:
            assert test in functions_of(ROOT / file), row


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
