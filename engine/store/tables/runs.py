"""Runs, their stages, and the findings of these."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

import engine.store.tables.projects  # noqa: F401 - a foreign key of it
from engine.enums import RunKind, RunStatus, Severity, StageStatus, Trigger
from engine.findings import Finding
from engine.store.tables.columns import (
    AUTOINCREMENT,
    enum_type,
    flag_column,
    json_list,
    seconds_between,
    time_column,
    utc_now,
)


class Run(SQLModel, table=True):
    """One run of a pipeline: of the firmware's on one commit, or of a task's.

    A task (``kind``) may have no project; then it has no commit and no target either. What was
    asked of it is in :class:`~engine.store.tables.Task`.

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
    ``result_attempt`` is the attempt whose stages the result is about, once it has ended; None for
    the newest. ``dirty`` says that the commit is a snapshot of a folder with uncommitted changes,
    and ``notes`` are findings of when it was asked for, such as that the project could not be
    synced.
    """

    __table_args__ = (
        # Of builds, all that a list of projects shows: their rows have what they printed in them.
        Index(
            "ix_run_overview",
            *("kind", "project_id", "id", "proposed_by", "status", "commit_sha", "dirty"),
            *("target", "configuration", "created_at", "started_at", "completed_at", "duration"),
        ),
        AUTOINCREMENT,
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: RunKind = Field(
        default=RunKind.FIRMWARE,
        sa_column=Column(enum_type(RunKind), nullable=False, server_default=RunKind.FIRMWARE.value),
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
    notes: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_list())
    triggered_by: Trigger = Field(
        default=Trigger.MANUAL, sa_column=Column(enum_type(Trigger), nullable=False)
    )
    status: RunStatus = Field(
        default=RunStatus.PENDING,
        sa_column=Column(enum_type(RunStatus), nullable=False, index=True),
    )
    board: str = "auto"
    simulator: str = "auto"
    workflow_id: str = ""
    repeats: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    deaths: int = 0
    cancel_requested: bool = False
    started_at: datetime | None = Field(default=None, sa_column=time_column())
    completed_at: datetime | None = Field(default=None, sa_column=time_column())
    duration: float | None = None
    build_output: str = ""
    test_results: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    artifacts_path: str = ""
    error: str = ""
    verdict: str = ""
    result_attempt: int | None = None
    asked_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    proposed_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    approved_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))

    @property
    def number(self) -> int:
        """The id of a run that is in the store."""
        assert self.id is not None
        return self.id

    @property
    def is_held(self) -> bool:
        """Whether it is of a commit that reaches no board before somebody approves it."""
        return bool(self.proposed_by) and not self.approved_by


class StageRow(SQLModel, table=True):
    """One stage of a run, once for each attempt.

    ``superseded`` says that a retry did it again, or what it depends on: it stays to be read and
    counts no more. ``usage`` is what models were asked in it, each as
    :class:`engine.llm.chat.Usage` has it.
    """

    __tablename__ = "stage"
    __table_args__ = (Index("ix_stage_once", "run_id", "key", "attempt", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    key: str
    agent: str
    phase: str
    attempt: int
    status: StageStatus = Field(sa_column=Column(enum_type(StageStatus), nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=time_column())
    completed_at: datetime | None = Field(default=None, sa_column=time_column())
    summary: str = ""
    usage: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON))
    superseded: bool = Field(default=False, sa_column=flag_column())

    @property
    def seconds(self) -> float | None:
        """How long it took; None while nobody can say."""
        return seconds_between(self.started_at, self.completed_at)


class FindingRow(SQLModel, table=True):
    """A finding of a stage; ``superseded`` as the stage is."""

    __tablename__ = "finding"

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    stage: str
    attempt: int
    severity: Severity = Field(sa_column=Column(enum_type(Severity), nullable=False))
    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    evidence: str | None = None
    superseded: bool = Field(default=False, sa_column=flag_column())

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


class Retry(SQLModel, table=True):
    """A retry of a run: where it began again, and what the run had come to before.

    From ``phase`` of ``from_attempt`` on everything was done again, in ``attempt`` and those after
    it; an empty phase and 0 are the run's start. ``status``, ``error``, ``verdict``, times,
    ``duration`` and ``test_results`` are those of the run when it was retried.
    """

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True, ondelete="CASCADE")
    from_attempt: int
    phase: str
    attempt: int
    asked_at: datetime = Field(default_factory=utc_now, sa_column=time_column(nullable=False))
    status: RunStatus = Field(sa_column=Column(enum_type(RunStatus), nullable=False))
    error: str = ""
    verdict: str = ""
    started_at: datetime | None = Field(default=None, sa_column=time_column())
    completed_at: datetime | None = Field(default=None, sa_column=time_column())
    duration: float | None = None
    test_results: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
