"""Parameters that several routes take."""

from __future__ import annotations

from typing import Annotated

from fastapi import HTTPException, Path, Query, Request, Response

from engine.server.models.limits import MAX_NUMBER as MAX_NUMBER

RunNumber = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="Number of a build or a task.")]
TaskId = Annotated[str, Path(min_length=1, max_length=40, description="Id of a task.")]
ProjectName = Annotated[
    str, Path(min_length=1, max_length=200, description="Id of a project, or its name.")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="Entries at the most.")]
Before = Annotated[
    int | None,
    Query(ge=1, le=MAX_NUMBER, description="Only what has a smaller number: the next page."),
]
Wait = Annotated[
    float,
    Query(
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="Seconds to hold the answer until it has ended.",
    ),
]


def require_json(request: Request) -> None:
    """Refuse a body that does not say that it is JSON: what a form of another site can send.

    Raises:
        HTTPException: 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = request.headers.get("content-length", "0") != "0" or (
        "transfer-encoding" in request.headers
    )
    if has_body and kind != "application/json":
        raise HTTPException(415, "the body is JSON: send 'Content-Type: application/json'")


def next_page(request: Request, response: Response, **parameters: object) -> None:
    """Say where the next page of a list is (RFC 8288)."""
    url = request.url.include_query_params(**parameters)
    response.headers["Link"] = f'<{url}>; rel="next"'
