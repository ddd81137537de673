"""The OpenAPI document: what FastAPI makes of the routes, and what is the same for all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from engine.server.open_paths import is_open
from engine.server.problems import MEDIA_TYPE

DESCRIPTION = """\
Every request needs a token (`espdeck token create`), sent as `Authorization: Bearer TOKEN`; its
scope is one of `read`, `build`, `flash` and `admin`, each of which includes those before. Calls
below `/api/v1` are also there below `/api`, for callers of older systems. Times are UTC (ISO 8601,
with `Z`). Lists are arrays, a page at a time: where there is more, a `Link` header with
`rel="next"` leads to it. Errors are `application/problem+json` (RFC 9457) with a `detail` that says
in one line what happened and what to do.
"""

TAGS: dict[str, str] = {
    "projects": "Git repositories that are built: import, change, sync, build.",
    "builds": "Builds with their logs, findings, artifacts and sizes; approval of pull requests.",
    "artifacts": "Files that builds and tasks keep.",
    "boards": "Boards: reserve, reset, flash, erase.",
    "consoles": "What boards say, live and kept.",
    "jobs": "What takes longer than an answer may: flashes, erasures, checks.",
    "tasks": "Tasks that models carry out, workflows and squads; the quality gate of posted files.",
    "step pipelines": "Steps of models on a project, one after the other.",
    "checks": "Periodic looks at projects, and their results.",
    "notifications": "What was told to people, and mutes.",
    "events": "What happens, as it happens.",
    "webhooks": "What forges post, and what came of it.",
    "badges": "How the newest build of a public project stands, as a picture.",
    "daemon": "The process that stays, its health and settings.",
    "metrics": "Figures for Prometheus.",
    "access": "Tokens, logins and tickets; who did what.",
    "health": "For supervisors and load balancers.",
}
"""What routes are sorted by, in the order of the document."""

_PROBLEMS: dict[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "No token, or one that is not valid (any more).",
    HTTPStatus.FORBIDDEN: "The token's scope does not allow it.",
    HTTPStatus.NOT_FOUND: "Not found.",
    HTTPStatus.CONFLICT: "Not in its present state, or somebody else has it.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "What was sent is not valid; `errors` names each place.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests; `Retry-After` says when to come again.",
}
_DEFAULT = "Any other problem."

_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Conflict"]},
        "status": {"type": "integer", "examples": [409]},
        "detail": {
            "type": "string",
            "description": "One line: what happened, and what to do.",
            "examples": ["Project status is 'pending', must be 'active'"],
        },
        "errors": {
            "type": "array",
            "description": "Of input that is not valid: each place, and what is wrong there.",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "msg": {"type": "string"},
                    "type": {"type": "string"},
                },
            },
        },
    },
}
_NO_SCHEMAS = ("HTTPValidationError", "ValidationError")  # FastAPI's own, which problems replace


def install(app: FastAPI) -> None:
    """Have an app's document say what is the same for all routes."""
    app.description = DESCRIPTION
    make = app.openapi
    documents: list[dict[str, Any]] = []

    def openapi() -> dict[str, Any]:
        if not documents:
            documents.append(complete(make()))
        return documents[0]

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add what is the same for all routes, and name operations as clients call them."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _NO_SCHEMAS:
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM_SCHEMA
    components["responses"] = {
        _response_name(status): _response(text) for status, text in _PROBLEMS.items()
    } | {"Problem": _response(_DEFAULT)}
    used = set()
    for path, operation in operations(document):
        used.update(operation.get("tags", ()))
        _add_problems(path, operation)
    _name_operations(document)
    document["tags"] = [
        {"name": name, "description": text} for name, text in TAGS.items() if name in used
    ]
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation with its path."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def _add_problems(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for code, response in responses.items():
        if code.startswith(("4", "5")):  # one that a route describes in its own words
            response.setdefault("content", _response("")["content"])
    is_public = is_open(path)
    takes_input = "parameters" in operation or "requestBody" in operation
    for status in _PROBLEMS:
        match status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                may_be = not is_public
            case HTTPStatus.NOT_FOUND:
                may_be = "{" in path
            case HTTPStatus.UNPROCESSABLE_ENTITY:
                may_be = takes_input
            case _:
                may_be = True
        code = str(status.value)
        is_fastapis = code == "422"
        if may_be and (code not in responses or is_fastapis):
            responses[code] = {"$ref": f"#/components/responses/{_response_name(status)}"}
    responses.setdefault("default", {"$ref": "#/components/responses/Problem"})


def _name_operations(document: dict[str, Any]) -> None:
    """Call each operation as its function is called; two of one name with their tag before it."""
    named: list[tuple[dict[str, Any], str]] = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            behind = re.sub(r"\W", "_", path) + f"_{method}"  # as FastAPI makes it unique
            named.append((operation, operation["operationId"].removesuffix(behind)))
    count = Counter(name for _, name in named)
    for operation, name in named:
        tag = re.sub(r"\W", "_", operation.get("tags", [""])[0])
        operation["operationId"] = name if count[name] == 1 else f"{tag}_{name}"
        operation["summary"] = name.replace("_", " ").capitalize()


def _response_name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _response(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
