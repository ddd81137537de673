"""Live events: server-sent events and a WebSocket, for readers that come, leave and come again."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from engine import Engine
from engine.enums import RunStatus, Scope
from engine.events import Log, Problem, RunChanged, RunProgress
from engine.server import event_readers, protocol, token_watch
from engine.server.http_server import HttpServer
from tests.engine.server.conftest import ClientOf
from tests.engine.server.readers import sse
from tests.waits import wait_for

EVENTS = "/api/v1/events"


@pytest.fixture
def reader(client_of: ClientOf) -> httpx.Client:
    return client_of(Scope.READ)


@pytest.fixture
def open_ws(server: HttpServer, reader: httpx.Client) -> Iterator[Callable[..., ClientConnection]]:
    """A function that opens the WebSocket with parameters."""
    opened: list[ClientConnection] = []

    def open_one(path: str = "/api/v1/ws", **parameters: Any) -> ClientConnection:
        url = httpx.URL(server.url.replace("http", "ws", 1) + path, params=parameters)
        headers = {"Authorization": reader.headers["Authorization"]}
        opened.append(connect(str(url), additional_headers=headers, proxy=None))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def say(engine: Engine, *messages: str) -> None:
    for message in messages:
        engine.events.publish(Problem(message=message))


def received(ws: ClientConnection) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(ws.recv(timeout=10))
    return body


def test_a_byte_comes_at_once_and_says_where_the_reader_is(
    engine: Engine, reader: httpx.Client
) -> None:
    with sse(reader, EVENTS) as stream:
        hello = stream.next()

    assert stream.comments[0] == "espdeck"
    assert 1000 <= stream.retry <= 4000
    assert hello.data["type"] == "hello"
    assert hello.data["id"] == hello.id == f"{engine.stream.name}-0"


@pytest.mark.parametrize("path", [EVENTS, "/api/events"])
def test_events_come_as_they_happen(engine: Engine, reader: httpx.Client, path: str) -> None:
    with sse(reader, path) as stream:
        stream.next()
        say(engine, "one", "two")
        one, two = stream.take(2)

    assert (one.event, one.data["type"], one.data["message"]) == ("message", "problem", "one")
    assert one.data["job_id"] is None
    assert one.data["timestamp"].endswith("Z")
    assert (two.id, two.data["id"]) == (two.data["id"], f"{engine.stream.name}-2")


def test_who_comes_again_misses_nothing(engine: Engine, reader: httpx.Client) -> None:
    with sse(reader, EVENTS) as stream:
        hello = stream.next()
    say(engine, "one", "two")

    with sse(reader, EVENTS, hello.id) as stream:
        assert [each.data.get("message") for each in stream.take(3)] == [None, "one", "two"]
    with sse(reader, EVENTS, last_event_id=f"{engine.stream.name}-1") as stream:
        assert [each.data.get("message") for each in stream.take(2)] == [None, "two"]
    polyfill = {"last_event_id": hello.id, "lastEventId": f"{engine.stream.name}-1"}
    with sse(reader, EVENTS, **polyfill) as stream:  # Yaffle/EventSource#162
        assert [each.data.get("message") for each in stream.take(2)] == [None, "two"]
    with sse(reader, EVENTS, stream.last_id, last_event_id=hello.id) as stream:
        stream.next()
        say(engine, "three")
        assert stream.next().data["message"] == "three"


def test_an_unknown_id_gives_a_resync(engine: Engine, reader: httpx.Client) -> None:
    say(engine, "before")
    assert list(engine.replay(0))  # it is written by now
    with sse(reader, EVENTS, "of-another-1") as stream:
        hello, resync = stream.take(2)
        say(engine, "after")
        assert stream.next().data["message"] == "after"
    assert hello.id == ""  # else who is cut off here would never be told
    assert (resync.data["type"], resync.data["reason"]) == ("resync", "unknown")


def test_logs_come_where_they_are_asked_for(engine: Engine, reader: httpx.Client) -> None:
    def log() -> None:
        engine.events.publish(
            Log(run_id=0, stage="s", attempt=1, agent="a", first_line=0, text="x\n")
        )

    # Of no run, so nothing keeps it: the journal leaves it out, and goes on.
    log()
    say(engine, "kept")
    with sse(reader, EVENTS, last_event_id="0", type="log,problem") as stream:
        assert stream.take(2)[1].data["message"] == "kept"


def test_what_cannot_be_chosen_is_refused(reader: httpx.Client) -> None:
    for parameters, status, words in (
        ({"type": "nonsense"}, 422, "no type 'nonsense': there are agent.status, "),
        ({"project": "nobody"}, 404, "nobody"),
        ({"build": "7"}, 404, "7"),
        ({"build": "x"}, 422, "build"),
        ({"last_event_id": "9" * 101}, 422, "last_event_id"),
    ):
        answer = reader.get(EVENTS, params=parameters)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), parameters


def test_nobody_reads_without_a_token(client_of: ClientOf, server: HttpServer) -> None:
    assert client_of(None).get(EVENTS).status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        connect(server.url.replace("http", "ws", 1) + "/api/v1/ws", proxy=None)
    assert refused.value.response.status_code == 401


def test_a_websocket_gives_the_same(
    engine: Engine, open_ws: Callable[..., ClientConnection]
) -> None:
    with open_ws() as ws:
        hello = received(ws)
        engine.events.publish(RunProgress(run_id=3, phase="build", percent=5.0, message="m"))
        ws.send("what a client sends is read and dropped")
        progress = received(ws)
        say(engine, "two")
        received(ws)
    say(engine, "three")
    with open_ws("/api/ws", last_event_id=progress["id"]) as ws:
        again = [received(ws) for _ in range(3)]

    assert hello["type"] == "hello"
    assert (progress["type"], progress["job_id"], progress["progress"]) == (
        "workflow.progress",
        "3",
        5.0,
    )
    assert [each.get("message") for each in again] == [None, "two", "three"]


def test_a_websocket_is_refused_with_the_reason(open_ws: Callable[..., ClientConnection]) -> None:
    for parameters, status in (({"type": "nonsense"}, 422), ({"project": "nobody"}, 404)):
        with pytest.raises(InvalidStatus) as refused:
            open_ws(**parameters)
        assert refused.value.response.status_code == status
        assert b"detail" in refused.value.response.body


def test_a_stream_says_that_it_lives(reader: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_readers, "HEARTBEAT_SECONDS", 0.05)
    with reader.stream("GET", EVENTS) as answer:
        lines = answer.iter_lines()
        assert ": ping" in lines
        assert next(lines) == ": ping"  # no empty line, which some take for an event


def test_a_stream_ends_when_its_token_is_revoked(
    engine: Engine,
    reader: httpx.Client,
    open_ws: Callable[..., ClientConnection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_watch, "LOOK_SECONDS", 0.05)
    with sse(reader, EVENTS) as stream, open_ws() as ws:
        stream.next()
        received(ws)
        engine.access.revoke_token("read 0")

        with pytest.raises(EOFError):
            stream.next()
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_streams_end_in_good_order_when_the_server_stops(
    server: HttpServer, reader: httpx.Client, open_ws: Callable[..., ClientConnection]
) -> None:
    with sse(reader, EVENTS) as stream, open_ws() as ws:
        stream.next()
        received(ws)

        server.stop()

        with pytest.raises(EOFError):
            stream.next()
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_who_left_is_forgotten(
    engine: Engine, reader: httpx.Client, open_ws: Callable[..., ClientConnection]
) -> None:
    with sse(reader, EVENTS) as stream, open_ws() as ws:
        stream.next()
        received(ws)
        wait_for(lambda: engine.stream.readers == 2, 10)

    wait_for(lambda: engine.stream.readers == 0, 10)


def test_who_never_reads_slows_nobody_and_is_let_go(
    engine: Engine, server: HttpServer, reader: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 1.0)
    address = httpx.URL(server.url)
    with socket.create_connection((address.host, address.port or 0)) as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        token = reader.headers["Authorization"]
        head = f"GET {EVENTS} HTTP/1.1\r\nHost: {address.host}\r\nAuthorization: {token}\r\n\r\n"
        stuck.sendall(head.encode())
        stuck.recv(1)
        with sse(reader, EVENTS) as stream:
            stream.next()
            for number in range(80):
                say(engine, f"{number} {'x' * 100_000}")
            last = [each.data["message"].split()[0] for each in stream.take(80)][-1]

            assert last == "79"
            wait_for(lambda: engine.stream.readers == 1, 30)


def test_a_build_status_names_its_build(engine: Engine, reader: httpx.Client) -> None:
    with sse(reader, EVENTS, type="build.status") as stream:
        stream.next()
        say(engine, "not of this type")
        engine.events.publish(RunChanged(run_id=9, project_id="p", status=RunStatus.RUNNING))
        assert (message := stream.next()).data["job_id"] == "9"
    assert message.data["status"] == "running"
