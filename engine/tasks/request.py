"""A request for a task, and how it is kept in the store."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from engine.enums import Priority
from engine.errors import UsageError
from engine.store.tables import Task
from engine.tasks.context import TaskInput
from engine.tasks.pipeline_file import StepPipeline
from engine.tasks.pipeline_library import shipped
from engine.tasks.plan import Plan
from engine.tasks.planning import of_pipeline, of_workflow
from engine.tasks.proof_stages import NO_BOARD
from engine.tasks.roles import FULL
from engine.tasks.workflow import workflow

MAX_TEXT_CHARACTERS = 20_000
"""Characters of a description or a context."""

MAX_MATERIAL_CHARACTERS = 100_000
"""Characters of a text that belongs to a task."""

MAX_PATHS = 100
"""Files and folders that may be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """A request for a workflow or for a step pipeline, exactly one of the two.

    Args:
        workflow: id of a workflow.
        pipeline: a step pipeline.
        description: what is wanted.
        context: what else is to be known.
        text: material from outside a repository: pasted code, a log.
        project_id: the project that it is about, None for none.
        commit: a commit or a ref; None is the tip of the project's branch.
        paths: files and folders of the repository that models are to see.
        diff: ref: what changed between it and the commit is to be seen; empty for none.
        squad: who does it; for a workflow only.
        model: name of the settings (``[llm.models.NAME]``) for every step, or ``placeholder``;
            empty: each role's own.
        priority: None: the pipeline's, else medium.
        gate: whether the result is measured by the quality gate.
        max_iterations: how often the work may be revised when the gate blocks it;
            None: as the settings say.
        board: where a workflow flashes what it changed: ``auto``, a port, or ``none``.
        first_number: of the pipeline's first step, in ``step_N_output``.
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
    board: str = NO_BOARD
    first_number: int = 1


def plan_for(request: TaskRequest) -> Plan:
    """The plan of the run that a request asks for.

    Raises:
        UsageError: the request makes no sense; one line.
    """
    _check(request)
    gathers = request.project_id is not None
    if request.pipeline is not None:
        return of_pipeline(
            *(request.pipeline, request.model),
            gate=request.gate,
            gathers=gathers,
            own=request.pipeline not in [each.pipeline for each in shipped()],
            first_number=request.first_number,
        )
    selected = workflow(request.workflow)
    return of_workflow(
        *(selected, request.squad, request.model),
        gate=request.gate,
        gathers=gathers,
        board=request.board,
    )


def row_of(request: TaskRequest, plan: Plan, max_iterations: int, *, keyed: bool = False) -> Task:
    """A request as a row of the store.

    Args:
        keyed: whether it came with an API key of its own, which is not kept.
    """
    pipeline = request.pipeline
    priority = pipeline.metadata.priority if pipeline else Priority.MEDIUM
    return Task(
        run_id=0,
        title=plan.title,
        description=request.description,
        context=request.context,
        priority=request.priority or priority,
        model=request.model,
        max_iterations=max_iterations,
        squad=request.squad,
        gate=request.gate,
        paths=list(request.paths),
        definition={
            "workflow": request.workflow,
            "pipeline": pipeline.model_dump(mode="json") if pipeline else None,
            "text": request.text,
            "diff": request.diff,
            "commit": request.commit,
            "plan": plan.model_dump(mode="json"),
            "keyed": keyed,
        },
    )


def order_of(task: Task, project_id: uuid.UUID | None) -> TaskRequest:
    """The request that a row keeps."""
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
        board=plan_of(task).board,
        first_number=plan_of(task).first_number,
    )


def is_keyed(task: Task) -> bool:
    """Whether a task was asked for with an API key of its own."""
    return bool(task.definition.get("keyed"))


def texts_of(request: TaskRequest) -> Iterator[str]:
    """Every text of a request that is kept with the task."""
    yield from (request.description, request.context, request.text, request.model, request.diff)
    yield from (request.commit or "", *request.paths)
    pipeline = request.pipeline
    if pipeline is not None:
        yield from (pipeline.name, pipeline.description, pipeline.global_context)
        for step in pipeline.steps:
            yield from (step.step_name, step.prompt, step.context)


def plan_of(task: Task) -> Plan:
    """The plan of a task's run, as it was decided when it was asked for."""
    return Plan.model_validate(task.definition["plan"])


def wanted_of(task: Task) -> TaskInput:
    """What a task's models are told of the request."""
    kept = task.definition
    return TaskInput(
        description=task.description,
        context=task.context,
        text=kept["text"],
        paths=tuple(task.paths),
        diff=kept["diff"],
    )


def _check(request: TaskRequest) -> None:
    if bool(request.workflow) == (request.pipeline is not None):
        raise UsageError("a task is a workflow or a step pipeline: give one of them")
    for name, text, most in (
        ("description", request.description, MAX_TEXT_CHARACTERS),
        ("context", request.context, MAX_TEXT_CHARACTERS),
        ("text", request.text, MAX_MATERIAL_CHARACTERS),
    ):
        if len(text) > most:
            raise UsageError(f"the {name} has {len(text)} characters, at most {most} are accepted")
    if len(request.paths) > MAX_PATHS:
        raise UsageError(f"{len(request.paths)} paths, at most {MAX_PATHS} are accepted")
    if request.project_id is None and (request.paths or request.diff or request.commit):
        raise UsageError("paths, a diff and a commit are of a project: name one")
    if request.workflow:
        selected = workflow(request.workflow)
        if selected.wants_description and not request.description.strip():
            raise UsageError(f"{selected.title} needs a description of what is wanted")
        if request.project_id is None and not (request.text or request.description).strip():
            raise UsageError(f"{selected.title} needs a project, a text or a description")
