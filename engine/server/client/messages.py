"""What streams tell: server-sent events, and what the client makes of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.events import Event, from_wire


@dataclass(frozen=True, slots=True)
class SseMessage:
    """A message of an event stream.

    Args:
        id: of the last event that the reader has with it; empty where it says none.
        name: its type; empty for ``message``.
        data: its text.
    """

    id: str
    name: str
    data: str

    @property
    def json(self) -> dict[str, Any]:
        """Its data; empty where it is no object."""
        try:
            data = json.loads(self.data)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


class SseParser:
    """Makes messages of lines (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._data: list[str] = []

    def take(self, line: str) -> SseMessage | None:
        """Take a line without its end; the message that it ends, None for none."""
        if line:
            self._field(line)
            return None
        message = SseMessage(self._id, self._name, "\n".join(self._data)) if self._data else None
        self._id, self._name, self._data = "", "", []
        return message

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._id = value


@dataclass(frozen=True, slots=True)
class LabEvent:
    """Something that happened in the lab.

    Args:
        id: what ``events(after=…)`` goes on from.
        type: as the manual's table of types has it.
        job_id: build or task, None for none.
        timestamp: when, in UTC.
        seq: its place within its job.
        body: what its type has.
        event: the same as a type of :mod:`engine.events`; None where this version knows none.
    """

    id: str
    type: str
    job_id: str | None
    timestamp: datetime
    seq: int
    body: dict[str, Any]
    event: Event | None


@dataclass(frozen=True, slots=True)
class Lagged:
    """The reader was too slow, and missed events; a :class:`Resync` follows."""

    missed: int
    from_id: str
    to_id: str


@dataclass(frozen=True, slots=True)
class Resync:
    """How runs stand now, as events before are missing.

    Args:
        reason: ``lagged``, ``expired`` or ``unknown``.
        runs: ``job_id``, ``kind``, ``status`` and more of each.
    """

    reason: str
    runs: list[dict[str, Any]] = field(default_factory=list)


StreamItem = LabEvent | Lagged | Resync
"""What the event stream gives."""


def stream_item(message: SseMessage) -> StreamItem | None:
    """What a message of the event stream tells; None for what is for the client alone."""
    data = message.json
    kind = data.pop("type", "")
    if kind == "lagged":
        ids = (str(data.get("from_id", "")), str(data.get("to_id", "")))
        return Lagged(int(data.get("missed", 0)), *ids)
    if kind == "resync":
        return Resync(str(data.get("reason", "")), list(data.get("runs", [])))
    if kind in ("", "hello"):
        return None
    event = from_wire({**data, "type": kind})
    head = ("id", "job_id", "timestamp", "seq")
    id, job_id, timestamp, seq = (data.pop(name, None) for name in head)
    return LabEvent(
        id=id or message.id,
        type=kind,
        job_id=job_id,
        timestamp=datetime.fromisoformat(timestamp),
        seq=seq or 0,
        body=data,
        event=event,
    )


@dataclass(frozen=True, slots=True)
class LogText:
    """Lines of a build's log, as they came.

    Args:
        stream: ``log`` for what an agent did, ``serial`` for what firmware printed.
        first: number of the first of them, from 0.
        lines: untrusted.
    """

    stage: str
    attempt: int
    stream: str
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConsoleMessage:
    """What a board's console tells.

    Args:
        kind: ``line``, ``partial``, ``state``, ``note``, ``finding`` or ``lagged``.
        text: untrusted; of ``lagged`` how many events were missed.
        at: when, in UTC; None where that is not said.
        finding: of a ``finding``.
    """

    kind: str
    text: str
    at: datetime | None = None
    finding: dict[str, Any] | None = None


def console_message_of(message: SseMessage) -> ConsoleMessage:
    """What a message of a console tells."""
    data = message.json
    if message.name == "lagged":
        return ConsoleMessage("lagged", f"{data.get('events', 0)} events were missed")
    at = data.get("at")
    return ConsoleMessage(
        message.name,
        str(data.get("text", "")),
        datetime.fromisoformat(at) if at else None,
        data.get("finding"),
    )
