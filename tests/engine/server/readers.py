"""Readers of event streams in tests: what a client makes of the lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx


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
