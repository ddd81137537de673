"""Health of the server."""

from __future__ import annotations

import pytest

from engine.enums import Scope
from engine.server.http_server import HttpServer
from tests.engine.server.conftest import ClientOf
from tests.waits import wait_for


def test_alive_needs_no_token(client_of: ClientOf) -> None:
    answer = client_of(None).get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_what_is_not_there_is_a_problem(client_of: ClientOf) -> None:
    answer = client_of(Scope.READ).get("/api/v1/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("no such path")


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/login", "/docs", "/metrics", "/api/v1/builds", "/api/v1/version"],
)
def test_what_can_be_read_can_be_asked_for_by_head(client_of: ClientOf, path: str) -> None:
    """Monitors ask so: RFC 9110, section 9.1; Kludex/fastapi-health#18, parbaked#564."""
    client = client_of(Scope.ADMIN)
    whole, head = client.get(path), client.head(path)

    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert client_of(None).head("/api/v1/builds").status_code == 401
    assert client.head("/api/v1/nothing").status_code == 404
    assert client.head("/logout").status_code == 405


def test_the_head_of_a_stream_ends(client_of: ClientOf, server: HttpServer) -> None:
    client = client_of(Scope.READ)

    for _ in range(2):  # on one connection
        head = client.head("/api/v1/events")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
    wait_for(lambda: server.connections == 1)


def test_a_websocket_asked_for_without_an_upgrade_says_so(client_of: ClientOf) -> None:
    """What a proxy makes of it that does not hand the upgrade on: la5nta/pat#457."""
    answer = client_of(Scope.READ).get("/api/v1/ws")

    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert "Upgrade and Connection" in answer.json()["detail"]


def test_a_body_in_another_encoding_is_told(client_of: ClientOf) -> None:
    """Windows PowerShell sends Latin-1 where nobody says otherwise: PowerShell#7618."""
    answer = client_of(Scope.ADMIN).post(
        "/api/v1/projects",
        content='{"source": "/Gerät"}'.encode("latin-1"),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
    assert answer.json()["detail"] == "the body is not JSON in UTF-8"


@pytest.mark.parametrize("header", ["token {}", "{}", "Basic {}"])
def test_another_scheme_than_bearer_is_told(client_of: ClientOf, header: str) -> None:
    client = client_of(Scope.READ)
    token = client.headers["Authorization"].removeprefix("Bearer ")

    answer = client.get("/api/v1/builds", headers={"Authorization": header.format(token)})

    assert answer.status_code == 401
    assert answer.json()["detail"] == "the header has to be 'Authorization: Bearer TOKEN'"
