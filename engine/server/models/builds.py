"""Builds, as the HTTP API takes and tells them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from engine import (
    Artifact,
    ChangeSet,
    FindingRow,
    GateResult,
    LogExtent,
    RegionRow,
    Retry,
    Run,
    SizeRow,
    StageRow,
)
from engine.enums import ArtifactKind, RunStatus, Severity, StageStatus, Trigger
from engine.server.models.change_sets import ChangeSetAnswer, fields_of
from engine.server.models.limits import MAX_NUMBER

_Text = Annotated[str, StringConstraints(max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class BuildFilters(BaseModel):
    """Which builds are listed; an empty value is none."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    status: RunStatus | None = None
    project_id: _Text | None = None
    """Id of a project, or its name."""

    branch: _Text | None = None
    target: _Text | None = None
    commit_sha: _Text | None = None
    """A commit, or how its hash begins."""

    text: _Text = ""
    """What its number, commit, message, author, branch or status has in it."""

    sort: Literal["-id", "id"] = "-id"
    """The newest first, or the oldest."""

    limit: int = Field(default=50, ge=1, le=1000)
    before: int | None = Field(default=None, ge=1, le=MAX_NUMBER)
    """Only those with a smaller number."""

    after: int | None = Field(default=None, ge=0, le=MAX_NUMBER)
    """Only those with a larger number."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value != ""}


class BuildSummary(_Model):
    """A build, as lists have it."""

    id: int = Field(examples=[42])
    project_id: uuid.UUID | None
    status: RunStatus
    commit_sha: str
    commit_message: str
    commit_author: str
    branch: str
    target: str
    configuration: str
    dirty: bool
    """Whether what was built has changes that are not committed."""

    triggered_by: Trigger
    asked_by: str
    """User of the lab machine, token or check that asked for it."""

    proposed_by: str
    """Whose pull request or fork the commit is of; empty for the project's own."""

    approved_by: str
    """Who let such a commit reach a board."""

    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration: float | None
    """Seconds."""

    error: str
    """Why it did not succeed, in a line."""

    verdict: str = Field(examples=["accepted"])
    """What QA says of the firmware; empty where it said nothing."""

    result_attempt: int | None = None
    """The attempt that the result is about: that of the build's own commit where repairs failed.
    `null` for the newest."""

    artifacts_path: str
    """Folder on the lab machine."""

    @classmethod
    def of(cls, run: Run) -> BuildSummary:
        """A build of the engine."""
        return cls(**run.model_dump(include=set(BuildSummary.model_fields)))


class StageAnswer(_Model):
    """A stage of a build, in one attempt."""

    stage: str = Field(examples=["test.board"])
    agent: str
    phase: str
    attempt: int
    status: StageStatus
    started_at: datetime | None
    completed_at: datetime | None
    duration: float | None
    """Seconds."""

    summary: str
    superseded: bool = False
    """Whether a retry did it again: it stays to be read and counts no more."""

    @classmethod
    def of(cls, row: StageRow) -> StageAnswer:
        """A stage of the engine."""
        names = set(cls.model_fields) - {"stage", "duration"}
        return cls(stage=row.key, duration=row.seconds, **row.model_dump(include=names))


class RetryAnswer(_Model):
    """What a build had come to before it was retried."""

    attempt: int
    """The first attempt of the retry."""

    phase: str
    """At which it began; empty for the build's start."""

    asked_at: datetime
    status: RunStatus
    error: str
    verdict: str
    started_at: datetime | None
    completed_at: datetime | None
    duration: float | None
    """Seconds."""

    @classmethod
    def of(cls, row: Retry) -> RetryAnswer:
        """A retry of the engine."""
        return cls(**row.model_dump(include=set(cls.model_fields)))


class BuildAnswer(BuildSummary):
    """A build."""

    build_output: str
    """The end of what its compiler printed: at most 2,000 lines and 65,536 characters. The logs
    have all of it."""

    test_results: dict[str, Any] | None
    """What tests came to, by stage."""

    board: str
    simulator: str
    """What was asked for, not what was used."""

    cancel_requested: bool
    notes: list[dict[str, Any]]
    """Findings of when it was asked for."""

    stages: list[StageAnswer]
    """Of all attempts."""

    retries: list[RetryAnswer] = []
    """What it had come to before it was retried, in order."""

    @classmethod
    def whole(
        cls, run: Run, stages: Sequence[StageRow], retries: Sequence[Retry] = ()
    ) -> BuildAnswer:
        """A build of the engine."""
        facts = run.model_dump(include=set(cls.model_fields) - {"stages", "retries"})
        return cls(
            **facts,
            stages=[StageAnswer.of(row) for row in stages],
            retries=[RetryAnswer.of(row) for row in retries],
        )


class RetryRequest(BaseModel):
    """What of a build is done again; all of it where nothing is named."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    stage: _Text | None = Field(default=None, examples=["test.board"])
    """Stage from whose phase on; what came before is kept."""


class LogAnswer(_Model):
    """A log of a build."""

    stage: str = Field(examples=["build"])
    attempt: int
    stream: str = Field(examples=["log"])
    """``log`` is what the agent did, ``serial`` what the firmware printed."""

    first: int
    """Number of its first line since the build was started or retried; lines count from 0."""

    lines: int
    """How many lines it has in all."""

    @classmethod
    def of(cls, log: LogExtent) -> LogAnswer:
        """A log of the engine."""
        key = log.key
        return cls(
            stage=key.stage,
            attempt=key.attempt,
            stream=key.stream,
            first=log.first,
            lines=log.end,
        )


class LogLines(_Model):
    """Lines of a log."""

    build_id: int
    stage: str
    attempt: int
    stream: str
    first: int
    """Number of the first of these lines."""

    lines: list[str]
    next: int
    """Number of the line after these."""

    total: int
    """How many lines the log has now."""

    complete: bool
    """Whether no more lines come."""


class LogMatchAnswer(_Model):
    """A line that a search found."""

    stage: str
    attempt: int
    stream: str
    line: int
    text: str


class FindingAnswer(_Model):
    """A problem that a stage found."""

    id: int
    stage: str
    attempt: int
    severity: Severity
    code: str = Field(examples=["compiler.error"])
    message: str
    file: str | None
    line: int | None
    column: int | None
    hint: str | None
    evidence: str | None
    """The lines of output that show it."""

    superseded: bool = False
    """Whether a retry did its stage again."""

    @classmethod
    def of(cls, row: FindingRow) -> FindingAnswer:
        """A finding of the engine."""
        return cls(**row.model_dump(include=set(cls.model_fields)))


class ArtifactAnswer(_Model):
    """A file that a build kept."""

    path: str = Field(examples=["firmware.elf"])
    kind: ArtifactKind
    size: int
    """Bytes."""

    sha256: str
    stage: str
    attempt: int
    superseded: bool = False
    """Whether a later attempt took its place: `/api/v1/artifacts/{sha256}` has its content."""

    @classmethod
    def of(cls, row: Artifact) -> ArtifactAnswer:
        """An artifact of the engine."""
        return cls(**row.model_dump(include=set(cls.model_fields)))


class SourceLines(_Model):
    """Lines of a source file, as the commit of a build has them."""

    file: str
    first: int
    """Number of the first of these lines; lines of a file count from 1."""

    lines: list[str]
    total: int


class RegionAnswer(_Model):
    """How full a memory or the app's partition is, in bytes."""

    name: str = Field(examples=["IRAM"])
    used: int
    total: int | None
    before: int | None
    """In the other build."""

    @classmethod
    def of(cls, row: RegionRow) -> RegionAnswer:
        """A region of the engine."""
        return cls(name=row.name, used=row.used, total=row.total, before=row.before)


class SizeAnswer(_Model):
    """Bytes of a component, archive or file."""

    name: str
    size: int
    before: int | None
    """In the other build."""

    memories: dict[str, int]

    @classmethod
    def of(cls, row: SizeRow) -> SizeAnswer:
        """A row of the engine."""
        return cls(name=row.name, size=row.size, before=row.before, memories=row.memories)


class SizesAnswer(_Model):
    """Where the bytes of a build's firmware are."""

    build_id: int
    against: int | None
    """The other build."""

    by: str
    regions: list[RegionAnswer]
    rows: list[SizeAnswer]
    """The largest first."""


class MeasureAnswer(_Model):
    """One thing that the quality gate measured."""

    id: str
    title: str
    status: str
    value: float | None
    unit: str
    threshold: float | None
    at_most: bool
    """Whether the threshold is not to be exceeded; else it is to be reached."""

    detail: str


class GateAnswer(_Model):
    """What the quality gate said of a build."""

    passed: bool
    verdict: str
    """``passed``, ``failed`` or ``not judged``: too little could be measured to let it pass."""

    score: float
    summary: str
    measures: list[MeasureAnswer]
    blockers: list[str]

    @classmethod
    def of(cls, result: GateResult) -> GateAnswer:
        """A result of the engine."""
        names = ("id", "title", "status", "value", "unit", "threshold", "at_most", "detail")
        return cls(
            passed=result.passed,
            verdict=result.verdict,
            score=result.score,
            summary=result.summary,
            measures=[
                MeasureAnswer(**{name: getattr(each, name) for name in names})
                for each in result.measures
            ],
            blockers=[each.title for each in result.blockers],
        )


class FixAnswer(ChangeSetAnswer):
    """What the repairs of a build come to; the artifact is `fix.patch`."""

    build_id: int

    @classmethod
    def of(cls, fix: ChangeSet) -> FixAnswer:
        """A fix of the engine."""
        return cls(build_id=fix.run, **fields_of(fix))
