"""Orchestrated tasks: what is asked for, how they stand, and what streams tell of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue

from engine import MAX_MATERIAL_CHARACTERS, ApiKey, StepState, TaskMetrics, TaskState
from engine.enums import Priority, RunStatus, StageStatus

MAX_ITERATIONS = 10
"""How often the work may be revised."""

Status = Literal["pending", "running", "completed", "failed"]
"""Where a task stands. One that was cancelled has failed, as callers wait for one of the two."""

_STATUS: dict[RunStatus, Status] = {
    RunStatus.PENDING: "pending",
    RunStatus.RUNNING: "running",
    RunStatus.SUCCESS: "completed",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "failed",
}


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _or_none(value: object) -> object:
    """What is there; callers of older systems send empty texts for what they leave out."""
    value = value.strip() if isinstance(value, str) else value
    return None if value == "" else value


AnyPriority = Annotated[Priority | None, BeforeValidator(_lower), BeforeValidator(_or_none)]
OptionalKey = Annotated[ApiKey | None, BeforeValidator(_or_none)]
Text = Annotated[str | None, Field(max_length=MAX_MATERIAL_CHARACTERS)]
Word = Annotated[str | None, Field(max_length=200)]


class TaskCreate(BaseModel):
    """A task for models.

    Nothing but `task_description` has to be given, and not even that for workflows that look at a
    project or a text.
    """

    task_description: str = Field(
        default="",
        max_length=MAX_MATERIAL_CHARACTERS,
        description="What is wanted, in your words.",
        examples=["After a brownout the LED stays on"],
    )
    context: JsonValue = Field(
        default=None,
        description="What else is to be known: an object, or any other JSON. Models see each "
        "member of an object as a line, and what has several lines or parts in a block.",
        examples=[{"board": "esp32c3-devkit", "seen": ["reset reason 15"]}],
    )
    model: Word = Field(
        default=None,
        description="A model of the settings (`[llm.models.NAME]`) for every step, by that name or "
        "by its server's; `placeholder` asks no model. Else each role's own.",
    )
    api_key: OptionalKey = Field(
        default=None,
        description="For the OpenAI-compatible server of the settings, in this task alone. It is "
        "held in memory while the task waits and runs, and stored nowhere.",
    )
    priority: AnyPriority = Field(default=None, description="Else `medium`.")
    max_iterations: int | None = Field(
        default=None,
        ge=0,
        le=MAX_ITERATIONS,
        description="How often the work may be revised when the gate blocks it; else as set.",
    )
    enable_quality_gate: bool | None = Field(
        default=None, description="Whether the result is measured; else it is not."
    )
    squad_type: Word = Field(
        default=None,
        description="Who does it: `business`, `engineering`, `qa` or `full-stack`; else all.",
    )
    project_id: Word = Field(default=None, description="Id or name of a project it is about.")
    commit: Word = Field(default=None, description="A commit, tag or branch of the project.")
    paths: list[Annotated[str, Field(max_length=400)]] | None = Field(
        default=None, max_length=100, description="Files and folders that models are to see."
    )
    diff: Word = Field(
        default=None, description="A commit or a range: models see what changed since or in it."
    )
    text: Text = Field(
        default=None, description="Material from outside a repository, such as a log."
    )


class TaskRetry(BaseModel):
    """How an ended task is run again."""

    step: Word = Field(default=None, description="Key of the step from which on; else all of it.")
    api_key: OptionalKey = Field(
        default=None, description="Again, where the task was asked for with one."
    )


class TaskAccepted(BaseModel):
    """A task that was asked for."""

    task_id: str = Field(examples=["14"])
    status: Status
    message: str = Field(description="What happens with it, in a line.")
    created_at: datetime
    estimated_duration: float = Field(description="Seconds, without its time in the queue.")
    estimated_from: str = Field(
        description="Where that number comes from.", examples=["the median of 7 earlier tasks"]
    )


class TaskResult(BaseModel):
    """What came of a task that was completed."""

    summary: str = Field(examples=["5 steps done"])
    verdict: str = Field(
        default="",
        description="How far what it changed holds; empty for reports.",
        examples=["proved"],
    )
    answer: str = Field(description="What the last step said, as Markdown. Untrusted.")


class TaskStatus(BaseModel):
    """How a task stands."""

    task_id: str = Field(examples=["14"])
    status: Status
    progress: float = Field(description="Percent; 100 only when it is completed.", ge=0, le=100)
    current_step: str | None = Field(description="Titles of what runs now.")
    agents_involved: list[str] = Field(description="Roles that took part until now.")
    metrics: dict[str, Any] = Field(description="What models were asked, and what it took.")
    result: TaskResult | None = Field(description="Once it is completed.")
    error: str | None = Field(description="Why it failed.")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None = Field(description="When it ended, well or not.")
    workflow: str = Field(description="Id of the workflow, or name of the step pipeline.")
    title: str
    task_description: str
    project: str | None
    priority: Priority
    squad_type: str
    model: str | None = Field(description="The one that was asked for; else each role's own.")
    cancelled: bool = Field(description="Whether it failed because somebody cancelled it.")
    asked_by: str


class TaskMessage(BaseModel):
    """What a stream tells of a task."""

    event: Literal["progress_update", "task_completed", "task_failed"]
    task_id: str
    status: Status
    progress: float
    current_step: str | None
    result: TaskResult | None = None
    error: str | None = None
    timestamp: datetime

    @property
    def sse_event(self) -> Literal["progress", "completed", "failed"]:
        """The name of the same in a stream of server-sent events."""
        if self.event == "progress_update":
            return "progress"
        return "completed" if self.event == "task_completed" else "failed"

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.event != "progress_update"


class TaskStep(BaseModel):
    """A step of a task; `attempt` is its last, 0 where it was not reached."""

    key: str
    step_name: str
    agent: str
    status: StageStatus
    attempt: int
    execution_time: float | None = Field(description="Seconds.")
    summary: str


class TaskFile(BaseModel):
    """A file that a task made."""

    path: str
    kind: str
    size: int = Field(description="Bytes.")
    sha256: str
    step: str


def status_of_task(state: TaskState, answer: str | None) -> TaskStatus:
    """How a task stands, as callers know it.

    Args:
        answer: what its last step said; None where that was not read.
    """
    run = state.run
    status = _STATUS[run.status]
    result = None
    if status == "completed":
        result = TaskResult(summary=state.result, verdict=run.verdict, answer=answer or "")
    return TaskStatus(
        task_id=str(run.number),
        status=status,
        progress=state.progress,
        current_step=state.step or None,
        agents_involved=list(state.agents),
        metrics=_metrics(state.metrics),
        result=result,
        error=(run.error or "failed") if status == "failed" else None,
        created_at=run.created_at,
        updated_at=state.updated_at,
        started_at=run.started_at,
        completed_at=run.completed_at,
        workflow=state.name,
        title=state.title,
        task_description=state.order.description,
        project=state.project or None,
        priority=state.priority,
        squad_type=state.order.squad,
        model=state.order.model or None,
        cancelled=run.status is RunStatus.CANCELLED,
        asked_by=run.asked_by,
    )


def message_of_task(status: TaskStatus) -> TaskMessage:
    """What a stream tells of how a task stands; the last message has its result or error."""
    event: Literal["progress_update", "task_completed", "task_failed"] = "progress_update"
    if status.status == "completed":
        event = "task_completed"
    elif status.status == "failed":
        event = "task_failed"
    return TaskMessage(
        event=event,
        task_id=status.task_id,
        status=status.status,
        progress=status.progress,
        current_step=status.current_step,
        result=status.result,
        error=status.error,
        timestamp=status.updated_at,
    )


def step_of(step: StepState) -> TaskStep:
    """How a step stands."""
    return TaskStep(
        key=step.key,
        step_name=step.name,
        agent=step.role,
        status=step.status,
        attempt=step.attempt,
        execution_time=step.seconds,
        summary=step.summary,
    )


def _metrics(metrics: TaskMetrics) -> dict[str, Any]:
    return {
        "answers": metrics.answers,
        "tokens_in": metrics.tokens_in,
        "tokens_out": metrics.tokens_out,
        "seconds": metrics.seconds,
        "cost": metrics.cost,
        "models": list(metrics.models),
        "placeholder": metrics.placeholder,
    }
