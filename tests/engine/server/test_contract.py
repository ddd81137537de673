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
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Mount

from engine.server import openapi
from engine.server.access import ScopeNeeded
from engine.server.app import API_ROUTERS, ROOT_ROUTERS
from tests.engine.server.contract import call_all, lab
from tests.tui.guide.pages import ROOT, tables

PAGE = ROOT / "tui" / "guide" / "api.md"
_HEAD = ("call", "scope", "what it does", "test")
_CALL = re.compile(r"(GET|POST|PUT|PATCH|DELETE|WebSocket) (/\S*)")


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


def told() -> Iterator[str]:
    for row in table_rows():
        calls = _CALL.findall(row[0])
        assert calls, row
        for method, path in calls:
            yield f"{method} {path.strip('`')}"


def served() -> Iterator[str]:
    """Method and path of each route, those below /api/v1 once."""
    for routers, prefix in ((API_ROUTERS, "/api/v1"), (ROOT_ROUTERS, "")):
        for router in routers:
            for route in router.routes:
                if isinstance(route, APIWebSocketRoute):
                    yield f"WebSocket {prefix}{route.path}"
                elif isinstance(route, APIRoute):
                    for method in route.methods:
                        yield f"{method} {prefix}{route.path}"
                else:
                    assert isinstance(route, Mount), route


@pytest.mark.xfail(strict=True, reason="sections of the manual come with their routes")
def test_the_manual_names_every_call_and_no_other() -> None:
    assert sorted(told()) == sorted(set(told()))
    assert set(told()) == set(served())


def test_the_scope_that_the_manual_names_is_needed() -> None:
    needed = dict(scopes())
    for row in table_rows():
        for method, path in _CALL.findall(row[0]):
            call = f"{method} {path.strip('`')}"
            assert row[1].strip("`") == needed.get(call, "none"), call


def scopes() -> Iterator[tuple[str, str]]:
    """The scope that each route asks for, where it asks for one."""
    for routers, prefix in ((API_ROUTERS, "/api/v1"), (ROOT_ROUTERS, "")):
        for router in routers:
            for route in router.routes:
                if not isinstance(route, APIRoute | APIWebSocketRoute):
                    continue
                found = [
                    str(each.call.scope)
                    for each in route.dependant.dependencies
                    if isinstance(each.call, ScopeNeeded)
                ]
                methods = route.methods if isinstance(route, APIRoute) else ("WebSocket",)
                for method in methods if found else ():
                    yield f"{method} {prefix}{route.path}", found[0]


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
