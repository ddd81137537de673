"""Who may open streams and downloads: token, cookie or ticket, for HTTP and WebSockets alike."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from engine import Engine
from engine.enums import Scope
from engine.server import token_watch
from engine.server.access import StreamBoardUser, StreamReader
from engine.server.app import create_app

HOST = "http://testserver"


@pytest.fixture
def app(engine: Engine, heard: list[str]) -> FastAPI:
    """The app, with a stream and a download of a test."""
    app = create_app(engine)

    @app.get("/api/v1/file")
    def file(reader: StreamReader) -> str:
        return reader.name

    @app.websocket("/api/v1/ws-read")
    async def read(websocket: WebSocket, reader: StreamReader) -> None:
        await websocket.accept()
        await websocket.send_text(reader.name)
        await websocket.close()

    @app.websocket("/api/v1/ws-board")
    async def board(websocket: WebSocket, user: StreamBoardUser) -> None:
        await websocket.accept()
        await websocket.send_text(user.name)
        await websocket.close()

    @app.get("/api/v1/stream")
    def stream(_reader: StreamReader) -> StreamingResponse:
        return StreamingResponse(f"{number}\n" for number in itertools.count())

    @app.get("/api/v1/silence")
    def silence(_reader: StreamReader) -> StreamingResponse:
        async def one_word() -> AsyncIterator[str]:
            yield "first\n"
            await asyncio.Event().wait()

        return StreamingResponse(one_word())

    @app.websocket("/api/v1/echo")
    async def echo(websocket: WebSocket, _reader: StreamReader) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            heard.append(text)
            await websocket.send_text(text)

    return app


@pytest.fixture
def heard() -> list[str]:
    """What the app was told over its WebSocket."""
    return []


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    client = TestClient(app, base_url=HOST)
    yield client
    client.close()


def bearer(engine: Engine, scope: Scope, name: str = "ci") -> dict[str, str]:
    token, _ = engine.access.create_token(name, scope)
    return {"Authorization": f"Bearer {token}"}


def ticket(client: TestClient, headers: dict[str, str], path: str) -> str:
    answer = client.post("/api/v1/tickets", json={"path": path}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ticket"])


def first_word(client: TestClient, url: str, headers: dict[str, str] | None = None) -> str:
    with client.websocket_connect(url, headers=headers or {}) as websocket:
        return websocket.receive_text()


def refusal(client: TestClient, url: str, headers: dict[str, str] | None = None) -> int:
    """The HTTP status with which a WebSocket is refused."""
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(url, headers=headers or {}),
    ):
        pass
    assert refused.value.headers["content-type"] == "application/problem+json"
    return int(refused.value.status_code)


def test_a_websocket_takes_a_token(client: TestClient, engine: Engine) -> None:
    assert first_word(client, "/api/v1/ws-read", bearer(engine, Scope.READ)) == "ci"


def test_a_websocket_is_refused_before_it_is_accepted(client: TestClient, engine: Engine) -> None:
    assert refusal(client, "/api/v1/ws-read") == 401
    assert refusal(client, "/api/v1/ws-read", {"Authorization": "Bearer espdeck_no"}) == 401
    assert refusal(client, "/api/v1/ws-board", bearer(engine, Scope.BUILD)) == 403


def test_a_ticket_opens_one_path_once(client: TestClient, engine: Engine) -> None:
    mine = ticket(client, bearer(engine, Scope.READ), "/api/v1/ws-read")

    assert first_word(client, f"/api/v1/ws-read?ticket={mine}") == "ci"
    assert refusal(client, f"/api/v1/ws-read?ticket={mine}") == 401


def test_a_ticket_for_another_path_is_none_and_is_used_up(
    client: TestClient, engine: Engine
) -> None:
    mine = ticket(client, bearer(engine, Scope.READ), "/api/v1/file")

    assert refusal(client, f"/api/v1/ws-read?ticket={mine}") == 401
    assert client.get(f"/api/v1/file?ticket={mine}").status_code == 401


def test_a_ticket_allows_what_its_token_does(client: TestClient, engine: Engine) -> None:
    mine = ticket(client, bearer(engine, Scope.BUILD), "/api/v1/ws-board")

    assert refusal(client, f"/api/v1/ws-board?ticket={mine}") == 403


def test_a_ticket_ends_with_its_token(client: TestClient, engine: Engine) -> None:
    mine = ticket(client, bearer(engine, Scope.READ), "/api/v1/file")

    engine.access.revoke_token("ci")

    assert client.get(f"/api/v1/file?ticket={mine}").status_code == 401


def test_a_ticket_is_for_streams_and_downloads_alone(client: TestClient, engine: Engine) -> None:
    headers = bearer(engine, Scope.READ)
    download = ticket(client, headers, "/api/v1/file")
    mine = ticket(client, headers, "/api/v1/tickets")

    assert client.get(f"/api/v1/file?ticket={download}").json() == "ci"
    answer = client.post(f"/api/v1/tickets?ticket={mine}", json={"path": "/api/v1/file"})
    assert answer.status_code == 401


def test_a_websocket_takes_a_cookie_from_a_page_of_this_server(
    client: TestClient, engine: Engine
) -> None:
    token, _ = engine.access.create_token("ci", Scope.READ, timedelta(hours=1))
    cookie = {"Cookie": f"{engine.access.cookie_name}={engine.access.open_session(token)}"}

    assert first_word(client, "/api/v1/ws-read", cookie | {"Origin": HOST}) == "ci"
    assert refusal(client, "/api/v1/ws-read", cookie) == 403
    for origin in ("http://testserver:99", "https://testserver", "http://evil", "null", ""):
        assert refusal(client, "/api/v1/ws-read", cookie | {"Origin": origin}) == 403


@pytest.mark.parametrize("name", ["token", "access_token", "Token"])
def test_a_token_in_a_url_is_refused_with_the_reason(
    client: TestClient, engine: Engine, name: str
) -> None:
    token, _ = engine.access.create_token("ci", Scope.READ)

    answer = client.get(f"/api/v1/file?{name}={token}")

    assert answer.status_code == 400
    assert "ends in logs" in answer.json()["detail"]
    assert token not in answer.text
    assert refusal(client, f"/api/v1/ws-read?{name}={token}") == 400


def test_an_open_websocket_ends_when_its_token_is_revoked(
    client: TestClient, engine: Engine, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_watch, "LOOK_SECONDS", 0.01)
    headers = bearer(engine, Scope.READ)
    with client.websocket_connect("/api/v1/echo", headers=headers) as websocket:
        websocket.send_text("before")
        assert websocket.receive_text() == "before"

        engine.access.revoke_token("ci")

        with pytest.raises(WebSocketDisconnect) as ended:
            websocket.receive_text()
    assert (ended.value.code, ended.value.reason) == (1008, "the token has ended")
    assert heard == ["before"]


def test_an_open_stream_ends_when_its_token_is_revoked(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_watch, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(engine.access, "holds", lambda _principal: False)

    answer = client.get("/api/v1/stream", headers=bearer(engine, Scope.READ))

    assert answer.text.startswith("0\n1\n")


def test_an_open_stream_that_says_nothing_ends_too(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_watch, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(engine.access, "holds", lambda _principal: False)

    answer = client.get("/api/v1/silence", headers=bearer(engine, Scope.READ))

    assert answer.text == "first\n"
