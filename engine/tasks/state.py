"""How a task stands and went, from its rows: progress, steps, what models took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.enums import Priority, RunStatus, StageStatus
from engine.llm.placeholder import PLACEHOLDER
from engine.runs.pipeline import Pipeline, Stage
from engine.store.tables import Run, StageRow, Task
from engine.tasks.request import TaskRequest, is_keyed, order_of, plan_of

MOST_UNFINISHED = 99.0
"""Percent that a task shows at the most before it has succeeded."""

PAGE = "result.md"
"""Artifact with the result on one page (:mod:`engine.tasks.result_page`)."""

_OVER = (StageStatus.SUCCESS, StageStatus.FAILED, StageStatus.SKIPPED)


@dataclass(frozen=True, slots=True)
class TaskMetrics:
    """What the models of a task were asked.

    Args:
        answers: how many there were.
        tokens_in, tokens_out: of those that were counted; None where no server counts.
        seconds: that models took, one after the other.
        cost: in the servers' currency, None where none says it.
        models: who answered, as the servers call them.
        placeholder: whether some step asked nobody.
    """

    answers: int
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    cost: float | None
    models: tuple[str, ...]
    placeholder: bool


@dataclass(frozen=True, slots=True)
class StepTime:
    """How a step went; ``seconds`` is None while it has not ended."""

    key: str
    title: str
    role: str
    attempt: int
    status: StageStatus
    seconds: float | None


@dataclass(frozen=True, slots=True)
class StepState:
    """How a stage of a task stands, reached or not; of its attempts, the last.

    Args:
        key: of the stage.
        name: as people call it.
        role: who does it.
        is_step: whether it is one of the steps that were asked for.
        attempt: from 1; 0 where it was not reached.
        status: ``pending`` where it was not reached.
        seconds: that it took, None while it has not ended.
        summary: what came of it, or why it failed; one line.
    """

    key: str
    name: str
    role: str
    is_step: bool
    attempt: int
    status: StageStatus
    seconds: float | None
    summary: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How the steps of a task went.

    Args:
        total: steps that the task has.
        successful, failed: of those that ran.
        seconds: of the whole run, None while it has not ended.
        steps: those that were reached, in order; stages that are no steps among them.
    """

    total: int
    successful: int
    failed: int
    seconds: float | None
    steps: tuple[StepTime, ...]


@dataclass(frozen=True, slots=True)
class TaskState:
    """How a task stands.

    Args:
        run: its row.
        name: id of the workflow, or the name of the step pipeline.
        title: as people call it.
        order: what was asked for.
        project: its name, empty for none.
        priority: as it waits in the queue.
        progress: percent, 0 to 100.
        step: titles of what runs now.
        agents: roles that took part, in order.
        metrics: what models were asked.
        result: what came of it, in a line; empty until it has ended well.
        keyed: whether it was asked for with an API key of its own, which is not kept.
        updated_at: when something of it changed last, in UTC.
    """

    run: Run
    name: str
    title: str
    order: TaskRequest
    project: str
    priority: Priority
    progress: float
    step: str
    agents: tuple[str, ...]
    metrics: TaskMetrics
    result: str
    keyed: bool
    updated_at: datetime


def state_of(run: Run, task: Task, project: str, rows: Sequence[StageRow]) -> TaskState:
    """How a task stands.

    Args:
        project: its name, empty for none.
        rows: its stages.
    """
    plan = plan_of(task)
    pipeline = plan.pipeline
    titles = {stage.key: stage.title for stage in pipeline.stages}
    order = order_of(task, run.project_id)
    running = [titles.get(row.key, "") for row in rows if row.status is StageStatus.RUNNING]
    return TaskState(
        run=run,
        name=order.workflow or task.title,
        title=task.title,
        order=order,
        project=project,
        priority=task.priority,
        progress=_progress(run, pipeline, rows),
        step=", ".join(running),
        agents=tuple(
            dict.fromkeys(row.agent for row in rows if row.status is not StageStatus.SKIPPED)
        ),
        metrics=_metrics(rows),
        result=task.result if run.status is RunStatus.SUCCESS else "",
        keyed=is_keyed(task),
        updated_at=_updated_at(run, rows),
    )


def summary_of(run: Run, task: Task, stages: Sequence[StageRow]) -> Summary:
    """How the steps of a task went."""
    plan = plan_of(task)
    titles = {stage.key: stage.title for stage in plan.pipeline.stages}
    places = list(titles)
    keys = {step.key for step in plan.steps}
    rows = [row for row in stages if row.status is not StageStatus.SKIPPED]
    rows.sort(key=lambda row: (row.attempt, places.index(row.key)))
    steps = [row for row in rows if row.key in keys]
    return Summary(
        total=len(plan.steps),
        successful=sum(row.status is StageStatus.SUCCESS for row in steps),
        failed=sum(row.status is StageStatus.FAILED for row in steps),
        seconds=run.duration,
        steps=tuple(
            StepTime(
                key=row.key,
                title=titles.get(row.key, row.key),
                role=row.agent,
                attempt=row.attempt,
                status=row.status,
                seconds=row.seconds,
            )
            for row in rows
        ),
    )


def steps_of(task: Task, rows: Sequence[StageRow]) -> tuple[StepState, ...]:
    """How each stage of a task stands, in the order of its pipeline."""
    plan = plan_of(task)
    keys = {step.key for step in plan.steps}
    latest = {row.key: row for row in rows}  # rows come in the order of their attempts
    return tuple(
        _step(stage, latest.get(stage.key), stage.key in keys) for stage in plan.pipeline.stages
    )


def _step(stage: Stage, row: StageRow | None, is_step: bool) -> StepState:
    return StepState(
        key=stage.key,
        name=stage.title,
        role=stage.role,
        is_step=is_step,
        attempt=row.attempt if row else 0,
        status=row.status if row else StageStatus.PENDING,
        seconds=row.seconds if row else None,
        summary=row.summary if row else "",
    )


def _progress(run: Run, pipeline: Pipeline, rows: Sequence[StageRow]) -> float:
    if run.status is RunStatus.SUCCESS:
        return 100.0
    latest = {row.key: row.status for row in rows}
    # What is done again, as the gate blocked it, was done before: progress does not go back.
    over = {row.key for row in rows if row.status is StageStatus.SUCCESS}
    # What is skipped behind a step that failed was not done.
    if StageStatus.FAILED not in latest.values():
        over |= {key for key, status in latest.items() if status in _OVER}
    done = (stage.weight for stage in pipeline.stages if stage.key in over)
    # All of it is done when what came of it is kept, and not before.
    return round(min(MOST_UNFINISHED, sum(done)), 1)


def _updated_at(run: Run, rows: Sequence[StageRow]) -> datetime:
    times = [run.created_at, run.started_at, run.completed_at]
    times += [at for row in rows for at in (row.started_at, row.completed_at)]
    return max(at for at in times if at is not None)


def _metrics(rows: Sequence[StageRow]) -> TaskMetrics:
    used = [each for row in rows for each in row.usage or ()]
    return TaskMetrics(
        answers=len(used),
        tokens_in=_sum(used, "tokens_in"),
        tokens_out=_sum(used, "tokens_out"),
        seconds=round(sum(each.get("seconds") or 0.0 for each in used), 3),
        cost=_sum(used, "cost"),
        models=tuple(dict.fromkeys(str(each.get("model")) for each in used)),
        placeholder=any(each.get("server") == PLACEHOLDER for each in used),
    )


def _sum(used: Sequence[Mapping[str, Any]], name: str) -> Any:
    """What of the answers' usage was said, together; None where nothing was."""
    said = [each[name] for each in used if each.get(name) is not None]
    return sum(said) if said else None
