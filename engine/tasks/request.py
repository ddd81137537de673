"""What is asked of a task, and how it is kept in the store."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from engine.enums import Priority
from engine.errors import UsageError
from engine.store.tables import Task
from engine.tasks.context import Wanted
from engine.tasks.pipeline_file import StepPipeline
from engine.tasks.plan import Plan, of_pipeline, of_workflow
from engine.tasks.roles import FULL
from engine.tasks.workflow import workflow

MAX_TEXT = 20_000
"""Characters of a description or a context."""

MAX_MATERIAL = 100_000
"""Characters of a text that belongs to a task."""

MAX_PATHS = 100
"""Files and folders that may be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """What a person orders: a workflow or a step pipeline, exactly one of the two.

    Args:
        workflow: id of a workflow.
        pipeline: a step pipeline.
        description: what is wanted.
        context: what else is to be known.
        text: material that is no repository's: pasted code, a log.
        project_id: the project that it is about, None for none.
        commit: a commit or a ref; None is the tip of the project's branch.
        paths: files and folders of the repository that models are to see.
        diff: ref: what changed between it and the commit is to be seen; empty for none.
        squad: who does it; for a workflow only.
        model: name of the settings (``[llm.models.NAME]``) for every step, or ``placeholder``;
            empty: each role's own.
        priority: None: the pipeline's, else medium.
        gate: whether the result is measured by the quality gate.
        max_iterations: how often the work may be revised when the gate does not let it pass;
            None: as the settings say.
    """

    workflow: str = ""
    pipeline: StepPipeline | None = None
    description: str = ""
    context: str = ""
    text: str = ""
    project_id: uuid.UUID | None = None
    commit: str | None = None
    paths: tuple[str, ...] = ()
    diff: str = ""
    squad: str = FULL
    model: str = ""
    priority: Priority | None = None
    gate: bool = False
    max_iterations: int | None = None


def plan_for(order: TaskRequest) -> Plan:
    """What a run of an order does.

    Raises:
        UsageError: the order makes no sense; one line.
    """
    _check(order)
    gathers = order.project_id is not None
    if order.pipeline is not None:
        return of_pipeline(order.pipeline, order.model, gate=order.gate, gathers=gathers)
    chosen = workflow(order.workflow)
    return of_workflow(chosen, order.squad, order.model, gate=order.gate, gathers=gathers)


def row_of(order: TaskRequest, plan: Plan, max_iterations: int) -> Task:
    """An order as it is kept."""
    pipeline = order.pipeline
    given = pipeline.metadata.priority if pipeline else Priority.MEDIUM
    return Task(
        run_id=0,
        title=plan.title,
        description=order.description,
        context=order.context,
        priority=order.priority or given,
        model=order.model,
        max_iterations=max_iterations,
        squad=order.squad,
        gate=order.gate,
        paths=list(order.paths),
        definition={
            "workflow": order.workflow,
            "pipeline": pipeline.model_dump(mode="json") if pipeline else None,
            "text": order.text,
            "diff": order.diff,
            "commit": order.commit,
            "plan": plan.model_dump(mode="json"),
        },
    )


def order_of(task: Task, project_id: uuid.UUID | None) -> TaskRequest:
    """What was ordered."""
    kept = task.definition
    pipeline = kept["pipeline"]
    return TaskRequest(
        workflow=kept["workflow"],
        pipeline=StepPipeline.model_validate(pipeline) if pipeline else None,
        description=task.description,
        context=task.context,
        text=kept["text"],
        project_id=project_id,
        commit=kept["commit"],
        paths=tuple(task.paths),
        diff=kept["diff"],
        squad=task.squad,
        model=task.model,
        priority=task.priority,
        gate=task.gate,
        max_iterations=task.max_iterations,
    )


def plan_of(task: Task) -> Plan:
    """What the task's run does, as it was decided then."""
    return Plan.model_validate(task.definition["plan"])


def wanted_of(task: Task) -> Wanted:
    """What the task's models are told of it."""
    kept = task.definition
    return Wanted(
        description=task.description,
        context=task.context,
        text=kept["text"],
        paths=tuple(task.paths),
        diff=kept["diff"],
    )


def _check(order: TaskRequest) -> None:
    if bool(order.workflow) == (order.pipeline is not None):
        raise UsageError("a task is a workflow or a step pipeline: give one of them")
    for name, text, most in (
        ("description", order.description, MAX_TEXT),
        ("context", order.context, MAX_TEXT),
        ("text", order.text, MAX_MATERIAL),
    ):
        if len(text) > most:
            raise UsageError(f"the {name} has {len(text)} characters, at most {most} are accepted")
    if len(order.paths) > MAX_PATHS:
        raise UsageError(f"{len(order.paths)} paths, at most {MAX_PATHS} are accepted")
    if order.project_id is None and (order.paths or order.diff or order.commit):
        raise UsageError("paths, a diff and a commit are of a project: name one")
    if order.workflow:
        chosen = workflow(order.workflow)
        if chosen.wants_description and not order.description.strip():
            raise UsageError(f"{chosen.title} needs a description of what is wanted")
        if order.project_id is None and not (order.text or order.description).strip():
            raise UsageError(f"{chosen.title} needs a project, a text or a description")
