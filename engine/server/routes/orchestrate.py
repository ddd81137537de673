"""Orchestrated tasks: start, follow, cancel, retry, read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from engine import Engine, Principal, TaskRequest, render_context
from engine.enums import Priority, RunStatus
from engine.errors import NotFoundError
from engine.server.access import BuildUser, EngineOf, Reader, StreamReader
from engine.server.models.change_sets import TaskChangesAnswer
from engine.server.models.orchestrate import (
    Status,
    TaskAccepted,
    TaskCreate,
    TaskFile,
    TaskRetry,
    TaskStatus,
    TaskStep,
    status_of_task,
    step_of,
)
from engine.server.parameters import Before, Limit, TaskId, Wait, next_page, require_json
from engine.server.responses import TEXT_HEADERS, SafeJson
from engine.server.task_numbers import task_number
from engine.server.task_states import task_status
from engine.server.task_waits import wait_for_task

router = APIRouter(
    tags=["tasks"], default_response_class=SafeJson, dependencies=[Depends(require_json)]
)

FREE_TASK = "free_task"
"""The workflow of a task that names none: one question, one answer."""

EVERYBODY = "full-stack"
"""The squad of a task that names none."""

_RUN_STATUS: dict[Status, tuple[RunStatus, ...]] = {
    "pending": (RunStatus.PENDING,),
    "running": (RunStatus.RUNNING,),
    "completed": (RunStatus.SUCCESS,),
    "failed": (RunStatus.FAILED, RunStatus.CANCELLED),
}


@router.post("/orchestrate")
def start_task(
    asked: TaskCreate, request: Request, engine: EngineOf, principal: BuildUser
) -> TaskAccepted:
    """Ask for a task: one question to the squad. It waits in the queue and runs by itself."""
    return _start(engine, principal, request, FREE_TASK, asked)


@router.post("/orchestrate/workflow/{workflow_name}")
def start_workflow(
    workflow_name: Annotated[str, Path(max_length=200)],
    asked: TaskCreate,
    request: Request,
    engine: EngineOf,
    principal: BuildUser,
) -> TaskAccepted:
    """Ask for a run of a workflow."""
    return _start(engine, principal, request, workflow_name, asked)


@router.get("/orchestrate/status/{task_id}")
async def get_status(
    task_id: TaskId, request: Request, engine: EngineOf, _: Reader, wait: Wait = 0.0
) -> TaskStatus:
    """How a task stands; with `wait`, when it has ended."""
    return await wait_for_task(engine, request, task_number(task_id), wait, task_status)


@router.get("/orchestrate/tasks")
def list_tasks(
    request: Request,
    response: Response,
    engine: EngineOf,
    _: Reader,
    status: Status | None = None,
    text: Annotated[
        str, Query(max_length=200, description="In its number, title, description or project.")
    ] = "",
    limit: Limit = 50,
    before: Before = None,
) -> list[TaskStatus]:
    """Tasks, newest first, without their answers."""
    wanted = _RUN_STATUS[status] if status else ()
    found = engine.tasks.list(text, wanted, limit + 1, before)
    if len(found) > limit:
        next_page(request, response, before=found[limit - 1].run.number)
    return [status_of_task(each, None) for each in found[:limit]]


@router.post("/orchestrate/tasks/{task_id}/cancel")
def cancel_task(
    task_id: TaskId, request: Request, engine: EngineOf, principal: BuildUser
) -> TaskStatus:
    """End a task; 409 where it has ended. Its running question is given up within a second."""
    number = _subject(request, task_number(task_id))
    engine.tasks.cancel(number, reason=f"cancelled by {principal.name} before it began")
    return task_status(engine, number)


@router.post("/orchestrate/tasks/{task_id}/retry")
def retry_task(
    task_id: TaskId,
    request: Request,
    engine: EngineOf,
    _: BuildUser,
    asked: TaskRetry | None = None,
) -> TaskStatus:
    """Run an ended task again, all of it or from a step on; 409 where it has not ended."""
    asked = asked or TaskRetry()
    number = _subject(request, task_number(task_id))
    engine.tasks.retry(number, asked.step or None, api_key=asked.api_key)
    return task_status(engine, number)


@router.get("/orchestrate/tasks/{task_id}/steps")
def list_steps(task_id: TaskId, engine: EngineOf, _: Reader) -> list[TaskStep]:
    """The steps of a task in their order, those among them that it adds itself."""
    return [step_of(each) for each in engine.tasks.steps(task_number(task_id))]


@router.get("/orchestrate/tasks/{task_id}/steps/{key}", response_class=PlainTextResponse)
def get_text(
    task_id: TaskId,
    key: Annotated[str, Path(max_length=200)],
    engine: EngineOf,
    _: Reader,
    attempt: Annotated[int | None, Query(ge=1, le=1000, description="Else its last.")] = None,
) -> PlainTextResponse:
    """What the model of a step said, as Markdown; empty where it said nothing. Untrusted."""
    number = task_number(task_id)
    steps = {each.key: each for each in engine.tasks.steps(number)}
    if key not in steps:
        raise NotFoundError(f"task {number} has no step {key[:60]!r}: {', '.join(steps)}")
    text = engine.tasks.text(number, key, attempt or max(1, steps[key].attempt))
    return PlainTextResponse(text, headers=TEXT_HEADERS, media_type="text/markdown; charset=utf-8")


@router.get("/orchestrate/tasks/{task_id}/changes")
def get_changes(task_id: TaskId, engine: EngineOf, _: Reader) -> TaskChangesAnswer:
    """What a task changes of its project; 404 where it changes nothing, or has not ended."""
    return TaskChangesAnswer.of(engine.task_changes.existing(task_number(task_id)))


@router.get("/orchestrate/tasks/{task_id}/artifacts")
def list_files(task_id: TaskId, engine: EngineOf, _: Reader) -> list[TaskFile]:
    """The files that a task made: answers, sources, `changes.patch`, final files."""
    number = task_number(task_id)
    engine.tasks.get(number)
    return [
        TaskFile(
            path=each.path, kind=each.kind, size=each.size, sha256=each.sha256, step=each.stage
        )
        for each in engine.tasks.artifacts(number)
    ]


@router.get("/orchestrate/tasks/{task_id}/artifacts/{path:path}", response_class=FileResponse)
def get_file(
    task_id: TaskId, path: Annotated[str, Path(max_length=400)], engine: EngineOf, _: StreamReader
) -> FileResponse:
    """A file that a task made. Untrusted."""
    number = task_number(task_id)
    engine.tasks.get(number)
    artifact = engine.tasks.artifact(number, path)
    file = engine.tasks.artifact_file(artifact) if artifact else None
    if file is None or not file.is_file():
        raise NotFoundError(f"task {number} kept no {path[:100]!r}")
    return FileResponse(
        file,
        media_type="application/octet-stream",
        filename=file.name,
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _start(
    engine: Engine, principal: Principal, request: Request, workflow: str, asked: TaskCreate
) -> TaskAccepted:
    project = engine.projects.get(asked.project_id) if asked.project_id else None
    task = TaskRequest(
        workflow=workflow,
        description=asked.task_description,
        context=render_context(asked.context),
        text=asked.text or "",
        project_id=project.id if project else None,
        commit=asked.commit or None,
        paths=tuple(asked.paths or ()),
        diff=asked.diff or "",
        squad=_squad(asked.squad_type),
        model=engine.tasks.model_named(asked.model or ""),
        priority=asked.priority or Priority.MEDIUM,
        gate=bool(asked.enable_quality_gate),
        max_iterations=asked.max_iterations,
    )
    expected = engine.tasks.estimate(task)
    run = engine.tasks.start(task, api_key=asked.api_key, asked_by=principal.name)
    state = engine.tasks.state(_subject(request, run.number))
    unused = "; no step asks a server that takes a key: the api_key was not taken"
    return TaskAccepted(
        task_id=str(run.number),
        status=status_of_task(state, None).status,
        message=f"task {run.number}, {state.title}, waits in the queue"
        f"{unused if asked.api_key and not state.keyed else ''}",
        created_at=run.created_at,
        estimated_duration=expected.seconds,
        estimated_from=expected.source,
    )


def _squad(text: str | None) -> str:
    """The squad that somebody means; ``full_stack`` is as good as ``full-stack``."""
    word = (text or "").strip().lower().replace("_", "-")
    return word or EVERYBODY


def _subject(request: Request, number: int) -> int:
    """Say for the audit log which task it was done to."""
    request.state.audit_subject = f"task {number}"
    return number
