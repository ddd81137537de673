"""What readers of the event stream get: events and notices as text, made once for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from engine.events import Event, Log
from engine.store.positions import RunFacts

_OTHER_BYTES = 400  # what an event that is no log takes, about


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """Which events a reader gets.

    Args:
        run_id: of this run; None for all.
        project_id: of this project and its runs; empty for all.
        board: of runs that use this board, or were asked for it; empty for all.
        types: names as programs outside know them; empty for all.
        logs: whether log and console text is among them.
    """

    run_id: int | None = None
    project_id: str = ""
    board: str = ""
    types: frozenset[str] = frozenset()
    logs: bool = False

    def takes(self, event: StreamEvent) -> bool:
        """Whether an event is one of them."""
        if event.is_log and not self.logs:
            return False
        if self.types and event.type not in self.types:
            return False
        if self.run_id is not None and event.run_id != self.run_id:
            return False
        if self.project_id and event.project_id != self.project_id:
            return False
        return not self.board or event.board == self.board


class StreamEvent:
    """An event at its place, as programs outside get it.

    Args:
        event: what happened.
        position: its place.
        stream: of which sequence.
        facts: of its run; None for one of no run.
    """

    def __init__(self, event: Event, position: int, stream: str, facts: RunFacts | None) -> None:
        self.event = event
        self.position = position
        self.run_id = event.run_id
        self.is_log = isinstance(event, Log)
        self.size = len(event.text) if isinstance(event, Log) else _OTHER_BYTES
        self.id = event_id(stream, position)
        self.type, self._body = event.wire()
        named = self._body.get("project_id")
        self.project_id: str = named or (facts.project_id if facts else "")
        self.board = self._body.get("board") or (facts.board if facts else "")

    @cached_property
    def text(self) -> str:
        """JSON, in ASCII and on one line."""
        job_id = str(self.run_id) if self.run_id else None
        head = _head(self.id, self.type, job_id, self.event.at)
        return json.dumps(head | {"seq": self.event.seq} | self._body)

    @cached_property
    def sse(self) -> bytes:
        """A message of an event stream."""
        return sse_message(self.text, self.id)


class Notice:
    """What a reader is told of the stream itself: ``hello``, ``lagged``, ``resync``.

    Args:
        kind: which of them.
        id: where the reader is; empty for where it was.
        at: when, in UTC.
        body: what else it says.
    """

    def __init__(self, kind: str, id: str, at: datetime, body: dict[str, Any]) -> None:
        self.type = kind
        self.id = id
        self.text = json.dumps(_head(id, kind, None, at) | body)

    @property
    def sse(self) -> bytes:
        """A message of an event stream."""
        return sse_message(self.text, self.id)


Item = StreamEvent | Notice


def event_id(stream: str, position: int) -> str:
    """The id of an event, as readers give it back."""
    return f"{stream}-{position}"


def sse_message(text: str, id: str = "", event: str = "") -> bytes:
    """A message of an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html).

    Args:
        text: one line.
        id: of the last event that the reader has then; empty leaves it.
        event: name of the message; empty for ``message``.
    """
    lines = [f"id: {id}"] if id else []
    if event:
        lines.append(f"event: {event}")
    return ("\n".join([*lines, f"data: {text}"]) + "\n\n").encode("ascii")


def _head(id: str, kind: str, job_id: str | None, at: datetime) -> dict[str, Any]:
    head = {"id": id} if id else {}
    return head | {"type": kind, "job_id": job_id, "timestamp": utc_text(at)}


def utc_text(at: datetime) -> str:
    """A time as programs outside get it: ISO 8601 in UTC, with ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
