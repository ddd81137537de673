"""Step pipelines: run one that is posted, read how it went, what kinds and templates there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from engine import Artifact, Engine, Principal, StepState, TaskRequest, render_context
from engine.enums import RunStatus, StageStatus
from engine.errors import NotFoundError
from engine.server.access import BuildUser, EngineOf, Reader
from engine.server.models.pipelines import (
    ModelAnswer,
    ModelsAnswer,
    PipelineExecute,
    PostedStep,
    RunMetadata,
    RunRecord,
    RunStatusWord,
    StepArtifact,
    StepParameters,
    StepRecord,
    TemplateAnswer,
    TemplatesAnswer,
)
from engine.server.parameters import ProjectName, TaskId, Wait, require_json
from engine.server.responses import SafeJson
from engine.server.task_numbers import task_number
from engine.server.task_waits import wait_for_task

router = APIRouter(
    prefix="/orchestrator",
    tags=["step pipelines"],
    default_response_class=SafeJson,
    dependencies=[Depends(require_json)],
)

FIRST_NUMBER = 0
"""Number of the first step in ``step_N_output``, in what is posted here."""

_RUN: dict[RunStatus, RunStatusWord] = {
    RunStatus.PENDING: "PENDING",
    RunStatus.RUNNING: "PENDING",
    RunStatus.SUCCESS: "SUCCESS",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELLED: "FAILED",
}
_STEP: dict[StageStatus, RunStatusWord] = {
    StageStatus.PENDING: "PENDING",
    StageStatus.RUNNING: "PENDING",
    StageStatus.SKIPPED: "PENDING",
    StageStatus.SUCCESS: "SUCCESS",
    StageStatus.FAILED: "FAILED",
    StageStatus.CANCELLED: "FAILED",
}


@router.post("/projects/{project_id}/execute", status_code=202)
async def execute_pipeline(
    project_id: ProjectName,
    asked: PipelineExecute,
    request: Request,
    engine: EngineOf,
    principal: BuildUser,
    wait: Wait = 0.0,
) -> RunRecord:
    """Run a step pipeline on a project; with `wait`, the answer comes when it has ended.

    Each step sees what the steps before it made, as `step_0_output`, `step_0_artifacts` and so on.
    A step that fails stops the run; what was made is kept.
    """
    number = await run_in_threadpool(_start, engine, principal, project_id, asked)
    request.state.audit_subject = f"task {number}"
    return await wait_for_task(engine, request, number, wait, _record)


@router.get("/runs/{run_id}")
async def get_run(
    run_id: TaskId, request: Request, engine: EngineOf, _: Reader, wait: Wait = 0.0
) -> RunRecord:
    """How a run of a step pipeline stands; with `wait`, when it has ended."""
    return await wait_for_task(engine, request, task_number(run_id), wait, _record)


@router.get("/models")
def list_models(engine: EngineOf, _: Reader) -> ModelsAnswer:
    """The kinds of models that a step can ask, and the Assembler, who ends each pipeline."""
    return ModelsAnswer(
        models=[
            ModelAnswer(
                name=each.title,
                description=f"For {', '.join(each.recommended)}.",
                capabilities=list(each.capabilities),
                recommended_for=list(each.recommended),
                model=engine.tasks.model_of(each.id),
            )
            for each in engine.tasks.kinds()
        ]
    )


@router.get("/templates")
def list_templates(engine: EngineOf, _: Reader) -> TemplatesAnswer:
    """Step pipelines that come with espdeck, and those of the person who runs it."""
    pipelines = [each.pipeline for each in engine.tasks.pipelines() if each.pipeline is not None]
    return TemplatesAnswer(
        templates=[
            TemplateAnswer(
                name=each.name,
                description=each.description,
                global_context=each.global_context,
                steps=[step.model_dump(mode="json") for step in each.steps],
            )
            for each in pipelines
        ]
    )


def _start(engine: Engine, principal: Principal, project_id: str, asked: PipelineExecute) -> int:
    project = engine.projects.get(project_id)
    metadata = asked.metadata or RunMetadata()
    priority = {"priority": metadata.priority} if metadata.priority else {}
    pipeline = engine.tasks.pipeline_of_data(
        {
            "name": asked.name,
            "global_context": render_context(asked.global_context),
            "metadata": {**priority, "deadline": metadata.deadline},
            "steps": [_step(engine, each) for each in asked.steps],
        }
    )
    task = TaskRequest(
        pipeline=pipeline,
        description=asked.description or "",
        project_id=project.id,
        commit=asked.commit or None,
        model=engine.tasks.model_named(asked.model or ""),
        first_number=FIRST_NUMBER,
    )
    return engine.tasks.start(task, api_key=asked.api_key, asked_by=principal.name).number


def _step(engine: Engine, posted: PostedStep) -> dict[str, Any]:
    kinds = {each.title.lower(): each.id for each in engine.tasks.kinds()}
    kind = posted.model_type or ""
    return {
        "step_name": posted.step_name,
        "model_type": kinds.get(kind.lower(), kind),
        "role": posted.role or "",
        "prompt": posted.prompt,
        "context": render_context(posted.context),
        "parameters": (posted.parameters or StepParameters()).model_dump(),
        "needs": posted.needs,
        "form": posted.form,
    }


def _record(engine: Engine, number: int) -> RunRecord:
    state = engine.tasks.state(number)
    if state.order.pipeline is None:
        raise NotFoundError(f"task {number} is not a step pipeline: /orchestrate/status/{number}")
    run = state.run
    files = engine.tasks.artifacts(number)
    steps = [each for each in engine.tasks.steps(number) if each.is_step]
    records = [_step_record(engine, number, each, files) for each in steps]
    words = [each.status for each in records]
    code = next((each for each in files if each.path == "assembled_code.md"), None)
    status = _RUN[run.status]
    return RunRecord(
        run_id=str(number),
        project_id=str(run.project_id) if run.project_id else None,
        name=state.name,
        status=status,
        steps=records,
        final_artifacts=_below(engine, files, "final/"),
        assembled_code=engine.tasks.artifact_text(code) if code else None,
        started_at=run.started_at,
        finished_at=run.completed_at,
        error=(run.error or "failed") if status == "FAILED" else None,
        total_steps=len(records),
        successful_steps=words.count("SUCCESS"),
        failed_steps=words.count("FAILED"),
        total_execution_time=run.duration,
    )


def _step_record(
    engine: Engine, number: int, step: StepState, files: Sequence[Artifact]
) -> StepRecord:
    status = _STEP[step.status]
    return StepRecord(
        step_name=step.name,
        status=status,
        result=engine.tasks.text(number, step.key, max(1, step.attempt)) or None,
        artifacts=_below(engine, files, f"files/{step.key}/"),
        execution_time=step.seconds,
        error=step.summary if status == "FAILED" else None,
    )


def _below(engine: Engine, files: Sequence[Artifact], folder: str) -> list[StepArtifact]:
    return [
        StepArtifact(
            type=each.kind,
            name=each.path.removeprefix(folder),
            content=engine.tasks.artifact_text(each),
        )
        for each in files
        if each.path.startswith(folder)
    ]
