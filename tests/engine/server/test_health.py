"""Health of the server."""

from __future__ import annotations

from engine.enums import Scope
from tests.engine.server.conftest import ClientOf


def test_alive_needs_no_token(client_of: ClientOf) -> None:
    answer = client_of(None).get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_what_is_not_there_is_a_problem(client_of: ClientOf) -> None:
    answer = client_of(Scope.READ).get("/api/v1/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "Not Found"
