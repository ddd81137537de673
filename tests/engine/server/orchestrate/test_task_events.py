"""How tasks get on, as it is told while they run: by server-sent events and by WebSocket."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from engine.server.http_server import HttpServer
from tests.engine.llm.servers import Oracle, ollama, stall, status, stream
from tests.engine.server.orchestrate.lab import WITHIN, ended, start
from tests.engine.server.readers import Message, SseReader, sse

pytestmark = [pytest.mark.xdist_group("orchestrate"), pytest.mark.slow]


class Gate:
    """A model that answers once it is told to."""

    def __init__(self, text: str) -> None:
        self.open = threading.Event()
        self._text = text

    def __call__(self, client: socket.socket) -> None:
        assert self.open.wait(WITHIN)
        stream(*ollama(self._text))(client)


def open_ws(server: HttpServer, token: str, task_id: str) -> ClientConnection:
    url = f"{server.url.replace('http', 'ws', 1)}/api/v1/orchestrate/ws/{task_id}"
    return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None)


def until(stream: SseReader, event: str, step: str | None = None) -> Message:
    """The next message of that name, about that step."""
    while True:
        message = stream.next()
        if message.event == event and step in (None, message.data["current_step"]):
            return message


def all_of(ws: ClientConnection) -> list[dict[str, Any]]:
    """Every message until the server says goodbye."""
    messages = []
    while True:
        try:
            messages.append(json.loads(ws.recv(timeout=WITHIN)))
        except ConnectionClosedOK:
            return messages


def test_a_task_is_told_of_until_it_is_completed(
    client: httpx.Client, server: HttpServer, token: str, oracle: Oracle
) -> None:
    gate = Gate("A watchdog.")
    oracle.replies = {"Answer": [gate]}
    task_id = start(client)["task_id"]
    with (
        sse(client, f"/v1/orchestrate/stream/{task_id}") as stream,
        open_ws(server, token, task_id) as ws,
    ):
        first = stream.next()
        running = until(stream, "progress", "Answer") if not first.data["current_step"] else first
        gate.open.set()
        last = until(stream, "completed")
        with pytest.raises(EOFError):
            stream.next()
        messages = all_of(ws)

    assert first.event == "progress"
    assert first.data["event"] == "progress_update"
    assert (first.data["task_id"], running.data["status"]) == (task_id, "running")
    assert (last.id, last.data["event"], last.data["progress"]) == ("end", "task_completed", 100.0)
    assert last.data["result"]["answer"] == "A watchdog."
    assert [each["event"] for each in messages][-1] == "task_completed"
    assert {each["event"] for each in messages[:-1]} <= {"progress_update"}
    assert messages[-1]["result"] == last.data["result"]
    progress = [each["progress"] for each in messages]
    assert progress == sorted(progress)


def test_one_that_has_ended_is_told_of_at_once_and_once(
    client: httpx.Client, server: HttpServer, token: str
) -> None:
    task_id = start(client, model="placeholder")["task_id"]
    ended(client, task_id)

    with sse(client, f"/orchestrate/stream/{task_id}") as stream:
        assert stream.next().event == "completed"
        with pytest.raises(EOFError):
            stream.next()
    with open_ws(server, token, task_id) as ws:
        assert [each["event"] for each in all_of(ws)] == ["task_completed"]
    again = client.get(f"/orchestrate/stream/{task_id}", headers={"Last-Event-ID": stream.last_id})
    assert again.status_code == 204  # a browser comes again no more


def test_one_that_fails_says_why(client: httpx.Client, oracle: Oracle) -> None:
    oracle.replies = {"Answer": [status(404, '{"error": "no such model \\u202e"}')] * 9}
    task_id = start(client)["task_id"]

    with sse(client, f"/orchestrate/stream/{task_id}") as stream:
        failed = until(stream, "failed")

    assert failed.data["event"] == "task_failed"
    assert "no such model" in failed.data["error"]


def test_one_that_is_cancelled_has_failed(client: httpx.Client, oracle: Oracle) -> None:
    oracle.replies = {"Answer": [stall(next(ollama("I think")))]}
    task_id = start(client)["task_id"]

    with sse(client, f"/orchestrate/stream/{task_id}") as stream:
        stream.next()
        client.post(f"/orchestrate/tasks/{task_id}/cancel")
        assert "cancelled" in until(stream, "failed").data["error"]


@pytest.mark.parametrize("task_id", ["99999", "nonsense", "9" * 40, "²"])
def test_an_unknown_task_is_not_found(
    client: httpx.Client, server: HttpServer, token: str, task_id: str
) -> None:
    assert client.get(f"/v1/orchestrate/stream/{task_id}").status_code == 404
    with pytest.raises(InvalidStatus) as refused:
        open_ws(server, token, task_id)
    assert refused.value.response.status_code == 404
