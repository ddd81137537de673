"""The tables. All times are UTC; enums are stored as users see them.

Rows that leave the store are detached and complete: no attribute of theirs loads lazily.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Enum, Index, String, TypeDecorator
from sqlmodel import Field, SQLModel

from engine.enums import (
    ArtifactKind,
    CheckStatus,
    DeliveryStatus,
    Forge,
    HookStatus,
    NotificationKind,
    Priority,
    ProjectStatus,
    RunKind,
    RunStatus,
    Scope,
    Severity,
    StageStatus,
    TokenStatus,
    Trigger,
)
from engine.findings import Finding


def utc_now() -> datetime:
    """The time now, in UTC and aware of it."""
    return datetime.now(UTC)


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from one time to another, never less than none: the clock may have been set."""
    return max(0.0, (end - start).total_seconds()) if start and end else None


_AUTOINCREMENT = {"sqlite_autoincrement": True}
"""The id of a row that was deleted never comes again: others know it, and would take one for the
other."""


class UtcDateTime(TypeDecorator[datetime]):
    """SQLite forgets time zones: store UTC, give back aware UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware time into UTC without a zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def _enum_type(kind: type[Any]) -> Enum:
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def _time_column(*, nullable: bool = True) -> Any:
    return Column(UtcDateTime(), nullable=nullable)


def _json_list() -> Any:
    return Column(JSON, nullable=False, server_default="[]")


class Project(SQLModel, table=True):
    """A Git repository under watch, or one app of it.

    ``app`` is the folder that is built, empty for the root. ``target`` is the chip of a plain
    build, empty as long as neither a person nor the sources say one; ``targets`` are all that it is
    built for. ``configuration`` is what a plain build adds to the defaults: ``NAME`` of an
    ``sdkconfig.ci.NAME``, an environment of PlatformIO, a profile of a sketch; empty for none.

    ``branch`` is the branch or tag that is followed, None while ``HEAD`` of the source is
    detached; ``branch_chosen`` whether a person chose it, else it is where ``HEAD`` is.
    ``tip`` is its commit as of ``synced_at``.
    """

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    name: str = Field(unique=True)
    source: str
    app: str = Field(default="", sa_column_kwargs={"server_default": ""})
    configuration: str = Field(default="", sa_column_kwargs={"server_default": ""})
    branch: str | None = None
    branch_chosen: bool = False
    tip: str = ""
    target: str
    targets: list[str] = Field(default_factory=list, sa_column=_json_list())
    status: ProjectStatus = Field(
        default=ProjectStatus.PENDING, sa_column=Column(_enum_type(ProjectStatus), nullable=False)
    )
    status_detail: str = ""
    clone_path: str = ""
    created_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    updated_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    synced_at: datetime | None = Field(default=None, sa_column=_time_column())


class Run(SQLModel, table=True):
    """One run of a pipeline: of the firmware's on one commit, or of a task's.

    A task (``kind``) may have no project; then it has no commit and no target either. What was
    asked of it is in :class:`Task`.

    ``workflow_id`` names the durable workflow that executes it; a retry gives it a new one, and
    ``repeats`` says which workflow that takes over (``run``) and which of its steps are done again
    (``steps``); None for a run that begins at its start. ``deaths`` counts how often the process
    that ran it died since it got on last.
    ``board`` and ``simulator`` are what was asked for; ``cancel_requested`` is how another
    process asks the one that runs it to stop. ``verdict`` is a
    :class:`~engine.enums.VerdictWord`, empty where none was spoken. ``asked_by`` is who asked for
    it: a user of this machine, the check that did, or a token of the HTTP API; empty for nobody
    knows. ``proposed_by`` is whose pull request or fork the commit comes from, empty for the
    project's own branches: then it reaches no board before ``approved_by`` says who let it.
    ``dirty`` says that the commit is a snapshot of a folder with uncommitted changes, and ``notes``
    are findings of when it was asked for, such as that the project could not be synced.
    """

    __table_args__ = _AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    kind: RunKind = Field(
        default=RunKind.FIRMWARE,
        sa_column=Column(
            _enum_type(RunKind), nullable=False, server_default=RunKind.FIRMWARE.value
        ),
    )
    project_id: uuid.UUID | None = Field(
        default=None, foreign_key="project.id", index=True, ondelete="CASCADE"
    )
    commit_sha: str = ""
    commit_message: str = ""
    commit_author: str = ""
    branch: str = ""
    target: str = ""
    configuration: str = ""
    dirty: bool = False
    notes: list[dict[str, Any]] = Field(default_factory=list, sa_column=_json_list())
    triggered_by: Trigger = Field(
        default=Trigger.MANUAL, sa_column=Column(_enum_type(Trigger), nullable=False)
    )
    status: RunStatus = Field(
        default=RunStatus.PENDING,
        sa_column=Column(_enum_type(RunStatus), nullable=False, index=True),
    )
    board: str = "auto"
    simulator: str = "auto"
    workflow_id: str = ""
    repeats: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    deaths: int = 0
    cancel_requested: bool = False
    started_at: datetime | None = Field(default=None, sa_column=_time_column())
    completed_at: datetime | None = Field(default=None, sa_column=_time_column())
    duration: float | None = None
    build_output: str = ""
    test_results: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    artifacts_path: str = ""
    error: str = ""
    verdict: str = ""
    asked_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    proposed_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    approved_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))

    @property
    def number(self) -> int:
        """The id of a run that is in the store."""
        assert self.id is not None
        return self.id

    @property
    def is_held(self) -> bool:
        """Whether it is of a commit that reaches no board before somebody approves it."""
        return bool(self.proposed_by) and not self.approved_by


class Task(SQLModel, table=True):
    """What was asked of a task; how it stands is in its row of :class:`Run`.

    ``definition`` is the pipeline as it was when the task was asked for, so that a retry does the
    same; ``paths`` are files of the repository that the task is about; ``result`` is what came of
    it, in a line.
    """

    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    title: str
    description: str = ""
    context: str = ""
    priority: Priority = Field(
        default=Priority.MEDIUM, sa_column=Column(_enum_type(Priority), nullable=False)
    )
    model: str = ""
    max_iterations: int = 1
    squad: str = ""
    gate: bool = False
    paths: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    definition: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    result: str = ""


class StageRow(SQLModel, table=True):
    """One stage of a run, once for each attempt.

    ``usage`` is what models were asked in it, each as :class:`engine.llm.chat.Usage` has it.
    """

    __tablename__ = "stage"
    __table_args__ = (Index("ix_stage_once", "run_id", "key", "attempt", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    key: str
    agent: str
    phase: str
    attempt: int
    status: StageStatus = Field(sa_column=Column(_enum_type(StageStatus), nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=_time_column())
    completed_at: datetime | None = Field(default=None, sa_column=_time_column())
    summary: str = ""
    usage: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON))

    @property
    def seconds(self) -> float | None:
        """How long it took; None while nobody can say."""
        return seconds_between(self.started_at, self.completed_at)


class FindingRow(SQLModel, table=True):
    """A finding of a stage."""

    __tablename__ = "finding"

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    stage: str
    attempt: int
    severity: Severity = Field(sa_column=Column(_enum_type(Severity), nullable=False))
    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    evidence: str | None = None

    @property
    def rank(self) -> tuple[int, bool]:
        """Sorts findings: errors first, and of those the ones that name their place."""
        return list(Severity).index(self.severity), self.file is None

    @property
    def finding(self) -> Finding:
        """The finding itself, as the rest of the house knows it."""
        return Finding(
            severity=self.severity,
            code=self.code,
            message=self.message,
            file=self.file,
            line=self.line,
            column=self.column,
            hint=self.hint,
            evidence=self.evidence,
        )


class Artifact(SQLModel, table=True):
    """A file that a run keeps; ``path`` is relative to the run's artifacts folder.

    ``stage`` and ``attempt`` made it, so that it goes when these are done again; empty and 0 where
    that is not known. Of several with the same path the last one counts, as its file is there.
    """

    __table_args__ = (Index("ix_artifact_once", "run_id", "path", "stage", "attempt", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    stage: str = Field(default="", sa_column_kwargs={"server_default": ""})
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    kind: ArtifactKind = Field(sa_column=Column(_enum_type(ArtifactKind), nullable=False))
    path: str
    size: int
    sha256: str = Field(index=True)


class StoredObject(SQLModel, table=True):
    """Content that is in a store of artifacts, or on its way there.

    ``place`` is the store, as the setting ``artifacts`` names it. The row is written before
    anything is sent and goes after the object was deleted there, so that a process that is killed
    leaves no object that no row names. ``stored_at`` is when it was seen whole in the store; None
    while it still has to be moved: it is not tried again before ``due_at``, as it failed
    ``failures`` times, the last time because of ``error``.
    """

    __tablename__ = "stored_object"

    sha256: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    size: int
    stored_at: datetime | None = Field(default=None, sa_column=_time_column())
    due_at: datetime | None = Field(default=None, sa_column=_time_column())
    failures: int = 0
    error: str = ""


class LogChunk(SQLModel, table=True):
    """A run of whole lines of one stage's log.

    Chunks, not lines: a compiler that floods six panes is written as a few rows a second, and a
    range of lines is found by ``first_line``. ``seq`` orders chunks and events of one run;
    ``writer`` names the process that wrote it, so that others know it for news.
    """

    __tablename__ = "log_chunk"
    __table_args__ = (
        Index("ix_log_range", "run_id", "stage", "attempt", "stream", "first_line"),
        _AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    stage: str
    attempt: int
    stream: str = Field(sa_column=Column(String(8), nullable=False))
    agent: str
    seq: int
    first_line: int
    lines: int
    text: str
    writer: str
    at: datetime | None = Field(default=None, sa_column=_time_column())
    position: int = Field(default=0, index=True, sa_column_kwargs={"server_default": "0"})


class EventRow(SQLModel, table=True):
    """An event that is neither log nor serial text, as JSON. ``run_id`` 0 is no run's.

    ``position`` is its place among all events and chunks of the workspace, from 1; 0 for what
    versions before wrote, which gave none.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_replay", "run_id", "seq"), _AUTOINCREMENT)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = 0
    seq: int
    kind: str
    at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    body: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    writer: str
    position: int = Field(default=0, index=True, sa_column_kwargs={"server_default": "0"})


class StreamPosition(SQLModel, table=True):
    """The places of events and chunks: one row, whose id is 1.

    ``last`` is the last that was given, ``removed`` the last whose row was removed. ``stream``
    names the sequence of places: a store that was restored begins another one.
    """

    __tablename__ = "stream_position"

    id: int = Field(default=1, primary_key=True)
    last: int = 0
    removed: int = 0
    stream: str = ""


class TokenRow(SQLModel, table=True):
    """A token of the HTTP API. What it is is told once; kept is its SHA-256."""

    __tablename__ = "token"
    __table_args__ = _AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    sha256: str = Field(unique=True)
    scope: Scope = Field(sa_column=Column(_enum_type(Scope), nullable=False))
    created_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=_time_column())
    revoked_at: datetime | None = Field(default=None, sa_column=_time_column())
    used_at: datetime | None = Field(default=None, sa_column=_time_column())

    def status(self, now: datetime) -> TokenStatus:
        """What has become of it."""
        if self.revoked_at is not None:
            return TokenStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return TokenStatus.EXPIRED
        return TokenStatus.ACTIVE


class LoginSessionRow(SQLModel, table=True):
    """A browser that logged in with a token. Kept is the SHA-256 of what its cookie holds."""

    __tablename__ = "login_session"
    __table_args__ = _AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True)
    token_id: int = Field(foreign_key="token.id", index=True, ondelete="CASCADE")
    created_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    expires_at: datetime = Field(sa_column=_time_column(nullable=False))


class AuditRow(SQLModel, table=True):
    """What somebody did, or tried to do, through the HTTP API.

    ``actor`` is the name of a token, or the forge of a webhook; empty for nobody who could be told.
    ``action`` is the method and route, ``subject`` what it was done to, ``status`` the HTTP status
    of the answer, ``detail`` a line. Untrusted texts, without secrets.
    """

    __tablename__ = "audit"
    __table_args__ = _AUTOINCREMENT

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    actor: str = ""
    address: str = ""
    action: str
    subject: str = ""
    status: int = 0
    detail: str = ""


class HookDelivery(SQLModel, table=True):
    """A webhook as it came: worked off after it was answered, once for each ``delivery_id``.

    ``body`` is what is needed of what was posted, as JSON: nothing of commits and their authors.
    ``projects`` are those of whose own secret it was signed, empty for the common one. ``message``
    is what came of it.
    """

    __tablename__ = "hook_delivery"
    __table_args__ = (
        Index("ix_hook_delivery_once", "forge", "delivery_id", unique=True),
        _AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    forge: Forge = Field(sa_column=Column(_enum_type(Forge), nullable=False))
    delivery_id: str
    event: str
    body: str = ""
    projects: list[str] = Field(default_factory=list, sa_column=_json_list())
    status: HookStatus = Field(
        default=HookStatus.WAITING,
        sa_column=Column(_enum_type(HookStatus), nullable=False, index=True),
    )
    message: str = ""
    received_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    done_at: datetime | None = Field(default=None, sa_column=_time_column())
    attempts: int = 0


class CheckResultRow(SQLModel, table=True):
    """What one run of a check came to.

    ``project_id`` is None for a check of the lab as a whole. ``state`` is what the result depended
    on (:meth:`engine.checks.base.Check.state`): as long as it is the same, the result stands, and
    ``confirmed_at`` is when that was seen last. ``triggered_by`` is who ran it: the schedule, or a
    person.
    """

    __tablename__ = "check_result"
    __table_args__ = (
        Index("ix_check_result_newest", "check_name", "project_id", "id"),
        _AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    check_name: str
    project_id: uuid.UUID | None = Field(
        default=None, foreign_key="project.id", index=True, ondelete="CASCADE"
    )
    status: CheckStatus = Field(sa_column=Column(_enum_type(CheckStatus), nullable=False))
    message: str
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    timestamp: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    duration_seconds: float = 0.0
    state: str = ""
    confirmed_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    triggered_by: Trigger = Field(
        default=Trigger.SCHEDULE, sa_column=Column(_enum_type(Trigger), nullable=False)
    )


class CheckTally(SQLModel, table=True):
    """How many results of one status a check had in a project, also those that are not kept.

    ``project_id`` is None for the lab as a whole; ``seconds`` is how long all of them took.
    """

    __tablename__ = "check_tally"
    __table_args__ = (Index("ix_check_tally_of", "check_name", "project_id", "status"),)

    id: int | None = Field(default=None, primary_key=True)
    check_name: str
    project_id: uuid.UUID | None = Field(default=None, foreign_key="project.id", ondelete="CASCADE")
    status: CheckStatus = Field(sa_column=Column(_enum_type(CheckStatus), nullable=False))
    executions: int = 0
    seconds: float = 0.0


class RunMeasure(SQLModel, table=True):
    """A number that was measured of a run that ended; a retry forgets those of before.

    ``label`` tells several of one name apart, such as memories, and is empty else. ``unit`` is
    ``s``, ``bytes`` or empty for a number of things. ``detail`` is what the number is the sum of:
    bounded lists that are read for one project at a time.
    """

    __tablename__ = "run_measure"
    __table_args__ = (Index("ix_run_measure_series", "name", "run_id"),)

    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    name: str = Field(primary_key=True)
    label: str = Field(default="", primary_key=True)
    unit: str = ""
    value: float
    detail: list[Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class WatchRow(SQLModel, table=True):
    """What starts builds of a project by itself: where it stands.

    ``tip`` is the commit that was decided upon last, built or not, and ``tags`` the commits of the
    tags that match ``tag_pattern``. A source that cannot be reached is not asked before
    ``next_look``, unless the project was synced since (``synced_at`` is when it was as of the last
    failure): it failed ``failures`` times since ``failing_since``, the last time because of
    ``failure``. Times of ``schedule`` up to ``schedule_since`` are done
    with; ``schedule_run`` is the newest run that it started, ``schedule_problem`` why it started
    none.
    """

    __tablename__ = "watch"

    project_id: uuid.UUID = Field(foreign_key="project.id", primary_key=True, ondelete="CASCADE")
    tip: str = ""
    tag_pattern: str = ""
    tags: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    failure: str = ""
    failures: int = 0
    failing_since: datetime | None = Field(default=None, sa_column=_time_column())
    synced_at: datetime | None = Field(default=None, sa_column=_time_column())
    next_look: datetime | None = Field(default=None, sa_column=_time_column())
    schedule: str = ""
    schedule_since: datetime | None = Field(default=None, sa_column=_time_column())
    schedule_run: int = 0
    schedule_problem: str = ""


class NotificationRow(SQLModel, table=True):
    """What happened that a person may want to know of, whoever was told.

    ``subject`` is what it is about, as :mod:`engine.notify.facts` names it; ``cause`` what it has
    in common with others, such as a hub; empty for none. ``body`` is the whole text.
    """

    __tablename__ = "notification"
    __table_args__ = (Index("ix_notification_unread", "read_at"), _AUTOINCREMENT)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    kind: NotificationKind = Field(sa_column=Column(_enum_type(NotificationKind), nullable=False))
    subject: str
    cause: str = ""
    title: str
    body: str = ""
    project: str = ""
    run_id: int | None = None
    read_at: datetime | None = Field(default=None, sa_column=_time_column())

    @property
    def number(self) -> int:
        """The id of a notification that is in the store."""
        assert self.id is not None
        return self.id


class DeliveryRow(SQLModel, table=True):
    """One message on its way to one channel.

    ``lane`` is what it waits in line with: of each lane one is sent at a time. ``key`` names what
    the service keeps one of, such as the status of a commit; empty for messages. ``payload`` is
    what the channel needs beside title and body, without secrets. ``notifications`` are what it
    tells; ``tells`` is what its channel knows when it has arrived, by subject. ``cut`` is how many
    characters of the body the service had no room for. ``error`` is what went wrong last, masked.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "status", "due_at"),
        Index("ix_delivery_key", "channel", "key"),
        _AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    channel: str = Field(index=True)
    lane: str
    key: str = ""
    title: str = ""
    body: str = ""
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    notifications: list[int] = Field(default_factory=list, sa_column=_json_list())
    tells: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    status: DeliveryStatus = Field(
        default=DeliveryStatus.WAITING,
        sa_column=Column(_enum_type(DeliveryStatus), nullable=False),
    )
    attempts: int = 0
    created_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    due_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    expires_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=_time_column())
    error: str = ""
    cut: int = 0

    @property
    def number(self) -> int:
        """The id of a delivery that is in the store."""
        assert self.id is not None
        return self.id


class MuteRow(SQLModel, table=True):
    """Nothing is sent to ``channel`` about ``project`` before ``until``; empty for all of them."""

    __tablename__ = "mute"
    __table_args__ = (_AUTOINCREMENT,)

    id: int | None = Field(default=None, primary_key=True)
    channel: str = ""
    project: str = ""
    until: datetime = Field(sa_column=_time_column(nullable=False))
    reason: str = ""
    by: str = ""
    created_at: datetime = Field(default_factory=utc_now, sa_column=_time_column(nullable=False))


class NotifyStateRow(SQLModel, table=True):
    """What notifications remember, as JSON: the cursor, each subject, each channel."""

    __tablename__ = "notify_state"

    key: str = Field(primary_key=True)
    body: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


LONGEST_RESERVATION = timedelta(days=30)
"""For how long a board can be reserved."""


def is_ahead(until: datetime) -> bool:
    """Whether a reservation until then holds now.

    One that ends later than any can was made while the clock was wrong, or by nobody's espdeck. A
    clock that is set back by less than a month ends none.
    """
    return timedelta(0) < until - utc_now() < 2 * LONGEST_RESERVATION


class BoardRow(SQLModel, table=True):
    """What is known of a board, and who has it.

    ``name`` is what builds call it: a port, a URL, ``virtual:CHIP`` or a ``usb-`` identity. What
    it said of itself was said at ``asked_at``; ``holder`` has it until ``held_until``. People call
    it ``label`` and wrote ``remark`` about it. Resets that nobody asked for are counted.

    Builds that may take any board do not take one that has ``out_of_pool``, the reason, since
    ``out_since``. ``known_good_at`` is when its known-good image was written last, and
    ``by_hand_at`` when a person wrote or erased its flash.
    """

    __tablename__ = "board"

    name: str = Field(primary_key=True)
    chip: str = ""
    revision: str = ""
    mac: str = ""
    flash_size: int | None = None
    features: str = ""
    asked_at: datetime | None = Field(default=None, sa_column=_time_column())
    holder: str = ""
    note: str = ""
    held_until: datetime | None = Field(default=None, sa_column=_time_column())
    label: str = ""
    remark: str = ""
    brownouts: int = 0
    watchdog_resets: int = 0
    package: str = ""
    protection: str = ""
    crystal: int | None = None
    out_of_pool: str = Field(default="", sa_column_kwargs={"server_default": ""})
    out_since: datetime | None = Field(default=None, sa_column=_time_column())
    known_good_at: datetime | None = Field(default=None, sa_column=_time_column())
    by_hand_at: datetime | None = Field(default=None, sa_column=_time_column())

    @property
    def is_held(self) -> bool:
        """Whether somebody has it now."""
        return bool(self.holder) and self.held_until is not None and is_ahead(self.held_until)

    @property
    def reserved(self) -> str:
        """Who has it, until when, and why, in a line; empty when nobody has."""
        if not self.is_held or self.held_until is None:
            return ""
        why = f": {self.note}" if self.note else ""
        return f"{self.holder} until {self.held_until:%Y-%m-%d %H:%M} UTC{why}"
