"""Readers of event streams in tests: what a client makes of the lines."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from engine import Engine, StreamFilter

_AGAIN_SECONDS = 0.02
_NO_EVENTS = frozenset({"hello", "lagged", "resync"})


@dataclass
class Message:
    """A message of an event stream, as a browser would dispatch it."""

    id: str
    event: str
    data: Any


class SseReader:
    """Parses lines as https://html.spec.whatwg.org/multipage/server-sent-events.html has it."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.last_id = ""
        self.comments: list[str] = []
        self.retry = 0

    def next(self) -> Message:
        """The next message with data.

        Raises:
            EOFError: the stream ended.
        """
        event = "message"
        data: list[str] = []
        for line in self._lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:
                    return Message(self.last_id, event, json.loads("\n".join(data)))
                event = "message"
            elif not name:
                self.comments.append(value)
            elif name == "id":
                self.last_id = value
            elif name == "event":
                event = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry = int(value)
        raise EOFError

    def take(self, count: int) -> list[Message]:
        """The next messages."""
        return [self.next() for _ in range(count)]


@contextlib.contextmanager
def sse(
    client: httpx.Client, path: str, last_id: str = "", **parameters: Any
) -> Iterator[SseReader]:
    """Open an event stream."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with client.stream("GET", path, params=parameters, headers=headers) as answer:
        if answer.status_code != 200:
            answer.read()
        answer.raise_for_status()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        yield SseReader(answer.iter_lines())


class LastingReader(threading.Thread):
    """Reads events, and comes again whenever it is cut off, with the id that it had last.

    Args:
        url: of the server.
        token: that may read.
        by_websocket: instead of server-sent events.
        parameters: say which events.
    """

    def __init__(self, url: str, token: str, *, by_websocket: bool, **parameters: Any) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._parameters = parameters
        self._read = self._read_websocket if by_websocket else self._read_sse
        self.last_id = "0"
        self.events: list[dict[str, Any]] = []
        self.resyncs = 0
        self.times_cut_off = 0
        self.is_done = False

    def run(self) -> None:
        """Read until it is done."""
        while not self.is_done:
            with contextlib.suppress(httpx.HTTPError, EOFError, OSError, WebSocketException):
                self._read()
            self.times_cut_off += 1
            time.sleep(_AGAIN_SECONDS)

    def has(self, message: str) -> bool:
        """Whether it has got a problem."""
        return any(each.get("message") == message for each in reversed(self.events))

    def _take(self, message: dict[str, Any]) -> None:
        self.last_id = message.get("id", self.last_id)
        if message["type"] not in _NO_EVENTS:
            self.events.append(message)
        elif message["type"] != "hello":
            self.resyncs += 1

    def _read_sse(self) -> None:
        with (
            httpx.Client(base_url=self._url, headers=self._headers, timeout=30) as client,
            sse(client, "/api/v1/events", self.last_id, **self._parameters) as stream,
        ):
            while not self.is_done:
                self._take(stream.next().data)

    def _read_websocket(self) -> None:
        url = httpx.URL(
            self._url.replace("http", "ws", 1) + "/api/v1/ws",
            params={**self._parameters, "last_event_id": self.last_id},
        )
        with connect(str(url), additional_headers=self._headers, proxy=None) as ws:
            while not self.is_done:
                self._take(json.loads(ws.recv(timeout=30)))


def kept_events(engine: Engine, chosen: StreamFilter) -> list[dict[str, Any]]:
    """Events that the store has, in order."""
    reader = engine.stream.subscribe(chosen, lambda _readers: None, "0")
    found: list[dict[str, Any]] = []
    while (items := reader.read()) or reader.reads_store:
        found += [json.loads(item.text) for item in items]
    reader.close()
    return found


def up_to(message: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events up to a problem, without those that come while others are looked at."""
    (end,) = (place for place, each in enumerate(events) if each.get("message") == message)
    return events[: end + 1]
