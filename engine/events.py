"""Events: what just happened, and the bus that delivers it.

An event is the only way news leaves the engine. The bus gives each event of a run the next
sequence number under one lock, calls subscribers in the publishing thread (they must be quick and
hand over, never work), and gives it to the journal, which writes it to the store in batches.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from engine.enums import (
    AgentStatus,
    CheckStatus,
    HookStatus,
    ProjectStatus,
    RunKind,
    RunStatus,
    StageStatus,
)

_LOG = logging.getLogger("espdeck.events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Args:
        run_id: the run that it belongs to, 0 for none.
        seq: its place among the events of that run, from 1; given by the bus.
        at: when, in UTC.
    """

    kind: ClassVar[str] = ""
    """The name under which the store keeps it."""

    run_id: int = 0
    seq: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def body(self) -> dict[str, Any]:
        """The fields of this kind of event as JSON values, as the store keeps them."""
        common = {"run_id", "seq", "at"}
        return {name: value for name, value in asdict(self).items() if name not in common}

    def wire(self) -> tuple[str, dict[str, Any]]:
        """Name and fields as programs outside know them."""
        return self.kind, self.body()

    def json(self) -> str:
        """The whole event as one line of JSON, in the form that programs outside know."""
        name, body = self.wire()
        head = {
            "event": name,
            "build": self.run_id,
            "seq": self.seq,
            "at": self.at.isoformat(timespec="milliseconds"),
        }
        return json.dumps(head | body)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A run began, or went on after an interruption (``resumed``).

    A task that is about no project has neither project nor commit nor target. ``project_path`` is
    the folder of the project's clone.
    """

    kind: ClassVar[str] = "workflow.started"
    project: str
    commit: str
    target: str
    pipeline: str = "firmware"
    resumed: bool = False
    run: RunKind = RunKind.FIRMWARE
    project_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress(Event):
    """How far a run is: ``percent`` from 0 to 100 over the whole of it."""

    kind: ClassVar[str] = "workflow.progress"
    phase: str
    percent: float
    message: str

    def wire(self) -> tuple[str, dict[str, Any]]:
        """``percent`` is ``progress`` outside."""
        body = self.body()
        body["progress"] = body.pop("percent")
        return self.kind, body


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted(Event):
    """A run ended; ``duration`` in seconds, ``verdict`` of a firmware, empty for none."""

    kind: ClassVar[str] = "workflow.completed"
    success: bool
    status: RunStatus
    duration: float
    result: str
    verdict: str = ""
    run: RunKind = RunKind.FIRMWARE


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChanged(Event):
    """A stage began, ended, was skipped, cancelled, or waits to be done again.

    Programs outside know it as ``agent.status``: what the stage's agent does.

    Args:
        stage: its key in the pipeline.
        agent: the role that does it.
        summary: what it does while it runs, else how it went; a line, empty for nothing to say.
            Untrusted.
    """

    kind: ClassVar[str] = "stage.status"
    stage: str
    agent: str
    phase: str
    attempt: int
    status: StageStatus
    summary: str

    def wire(self) -> tuple[str, dict[str, Any]]:
        """What the agent does, and beside it how the stage stands."""
        body = self.body()
        body["stage_status"] = self.status
        body["status"] = _AGENT_STATUS[self.status]
        body["task"] = body.pop("summary")
        return AGENT_STATUS, body


AGENT_STATUS = "agent.status"
"""What programs outside know :class:`StageChanged` as, and stores of earlier versions kept."""

_AGENT_STATUS = {
    StageStatus.PENDING: AgentStatus.IDLE,
    StageStatus.RUNNING: AgentStatus.WORKING,
    StageStatus.SUCCESS: AgentStatus.COMPLETED,
    StageStatus.FAILED: AgentStatus.ERROR,
    StageStatus.SKIPPED: AgentStatus.COMPLETED,
    StageStatus.CANCELLED: AgentStatus.ERROR,
}
"""What an agent does whose stage stands so."""

_STAGE_STATUS = {
    AgentStatus.IDLE: StageStatus.PENDING,
    AgentStatus.WORKING: StageStatus.RUNNING,
    AgentStatus.COMPLETED: StageStatus.SUCCESS,
    AgentStatus.ERROR: StageStatus.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Log(Event):
    """Whole lines of a stage's log. Untrusted text: clean it before it reaches a terminal.

    Args:
        first_line: number of the first line within its log, from 0.
        text: one or more lines, each ended by a newline.
    """

    kind: ClassVar[str] = "log"
    stage: str
    attempt: int
    agent: str
    first_line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial(Log):
    """Whole lines that firmware printed, on a board or in a simulator."""

    kind: ClassVar[str] = "serial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial(Event):
    """A line of a stage's log that is not whole yet, as models write: for eyes, never stored.

    It has no number of its own; the whole line comes as :class:`Log` and replaces it.

    Args:
        line: its number within its log, from 0.
        text: what there is of it. Untrusted.
    """

    kind: ClassVar[str] = "log.partial"
    stage: str
    attempt: int
    agent: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardTaken(Event):
    """A stage has a board, and uses it from now on."""

    kind: ClassVar[str] = "board.taken"
    board: str
    stage: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChanged(Event):
    """A project was added, cloned, synced, failed or removed."""

    kind: ClassVar[str] = "project.status"
    project_id: str
    project: str
    status: ProjectStatus
    detail: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectLooked(Event):
    """What is known of a project's folder or its tip is another one: for eyes, never stored."""

    kind: ClassVar[str] = "project.looked"
    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanged(Event):
    """A run's row changed: it was asked for, began, ended; ``project_id`` is empty for none."""

    kind: ClassVar[str] = "build.status"
    project_id: str
    status: RunStatus
    run: RunKind = RunKind.FIRMWARE


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCompleted(Event):
    """A check ended; its result is kept. ``project`` is empty for one of the lab as a whole.

    Args:
        result_id: of the kept result.
        message: one line. Untrusted.
        duration: seconds.
    """

    kind: ClassVar[str] = "check.completed"
    result_id: int
    check: str
    project_id: str
    project: str
    status: CheckStatus
    message: str
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsChanged(Event):
    """A notification came or was read, a delivery ended, or a mute was set or lifted."""

    kind: ClassVar[str] = "notifications.changed"
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChanged(Event):
    """A webhook came, or was worked off. ``delivery`` is its number."""

    kind: ClassVar[str] = "webhook.changed"
    delivery: int
    status: HookStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Event):
    """Something outside a stage went wrong that a person should know of; one line."""

    kind: ClassVar[str] = "problem"
    message: str


KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        RunStarted,
        RunProgress,
        RunCompleted,
        StageChanged,
        Log,
        Serial,
        BoardTaken,
        ProjectChanged,
        RunChanged,
        CheckCompleted,
        NotificationsChanged,
        WebhookChanged,
        Problem,
    )
}
"""Every kind of event that the store keeps, by its name there."""

WIRE_KINDS = frozenset(KINDS) - {StageChanged.kind} | {AGENT_STATUS}
"""Their names as programs outside know them."""

LOG_KINDS = frozenset((Log.kind, Serial.kind))
"""Those that are text of logs and consoles."""

_ENUMS = {
    ("stage.status", "status"): StageStatus,
    ("project.status", "status"): ProjectStatus,
    ("build.status", "status"): RunStatus,
    ("build.status", "run"): RunKind,
    ("workflow.started", "run"): RunKind,
    ("workflow.completed", "run"): RunKind,
    ("workflow.completed", "status"): RunStatus,
    ("check.completed", "status"): CheckStatus,
    ("webhook.changed", "status"): HookStatus,
}


def from_body(
    kind: str, body: dict[str, Any], *, run_id: int, seq: int, at: datetime
) -> Event | None:
    """An event from what the store keeps of it: the inverse of :meth:`Event.body`.

    Returns:
        None for a kind that this version does not know.
    """
    if kind == AGENT_STATUS:
        kind, body = StageChanged.kind, _of_agent(body)
    cls = KINDS.get(kind)
    if cls is None:
        return None
    known = {entry.name for entry in fields(cls)} - {"run_id", "seq", "at"}
    values = {name: value for name, value in body.items() if name in known}
    for name, value in values.items():
        enum = _ENUMS.get((kind, name))
        if enum is not None:
            values[name] = enum(value)
    return cls(run_id=run_id, seq=seq, at=at, **values)


def from_wire(message: dict[str, Any]) -> Event | None:
    """An event from what the server's streams tell of it: the inverse of :meth:`Event.wire`.

    Args:
        message: with ``type``, ``job_id``, ``timestamp``, ``seq`` and what the type has.

    Returns:
        None for one that this version does not know, or knows with other fields.
    """
    body = dict(message)
    kind, job_id = body.pop("type", ""), body.pop("job_id", None)
    if kind == AGENT_STATUS:
        kind = StageChanged.kind
        body["status"], body["summary"] = body.get("stage_status"), body.get("task")
    elif kind == RunProgress.kind:
        body["percent"] = body.get("progress")
    try:
        at = datetime.fromisoformat(body["timestamp"])
        return from_body(kind, body, run_id=int(job_id or 0), seq=int(body["seq"]), at=at)
    except (KeyError, TypeError, ValueError):
        return None


def _of_agent(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of :class:`StageChanged` from what versions before kept of an agent."""
    status = _STAGE_STATUS[AgentStatus(body["status"])]
    if status is StageStatus.FAILED and body["task"] == "cancelled":
        status = StageStatus.CANCELLED  # they had no other word for it
    return body | {"status": status, "summary": body["task"]}


Subscriber = Callable[[Event], None]


class Bus:
    """Publish from any thread; subscribe from any thread.

    Subscribers are called one event at a time for each run, in order, in the thread that
    publishes. One that raises is dropped: it must not end the stage that had news.
    """

    def __init__(self, first_seq: Callable[[int], int] = lambda _run_id: 0) -> None:
        """Make a bus.

        Args:
            first_seq: asked once a run for the last number it used in an earlier process.
        """
        self._first_seq = first_seq
        self._lock = threading.RLock()
        self._seq: dict[int, int] = {}
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every event from now on.

        Returns:
            A function that ends the subscription.
        """
        with self._lock:
            self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            with self._lock:
                if subscriber in self._subscribers:
                    self._subscribers.remove(subscriber)

        return unsubscribe

    def publish(self, event: Event) -> Event:
        """Give the event its number and hand it to every subscriber.

        Returns:
            The event with its number.
        """
        with self._lock:
            run_id = event.run_id
            if run_id not in self._seq:
                self._seq[run_id] = self._first_seq(run_id)
            self._seq[run_id] += 1
            numbered = replace(event, seq=self._seq[run_id])
            self._deliver(numbered)
        return numbered

    def relay(self, event: Event) -> None:
        """Hand on an event that another process published; it keeps its number."""
        with self._lock:
            if event.run_id in self._seq:
                self._seq[event.run_id] = max(self._seq[event.run_id], event.seq)
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(event)
            except Exception:
                _LOG.exception("a subscriber fails and is dropped")
                if subscriber in self._subscribers:
                    self._subscribers.remove(subscriber)
