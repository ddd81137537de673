"""Checks: how projects are, and when checks run."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from engine import Engine
from engine.enums import CheckStatus
from engine.errors import UsageError
from engine.server.access import Admin, BuildUser, EngineOf, Reader
from engine.server.jobs import Job, JobKind
from engine.server.models.checks import (
    CheckPlanBody,
    CheckResultAnswer,
    CheckRunBody,
    CheckState,
)
from engine.server.models.jobs import JobAnswer
from engine.server.parameters import Before, Limit, RunNumber, Wait, next_page
from engine.server.routes.jobs import JobsOf, answer_job

router = APIRouter(tags=["checks"])

CheckName = Annotated[str, Path(max_length=200, description="Such as `doc_check`.")]
_OfCheck = Annotated[str, Query(max_length=200, description="Only of this check.")]
_OfProject = Annotated[str, Query(max_length=200, description="Only of this project.")]
_OfStatus = Annotated[CheckStatus | None, Query(description="Only those with this status.")]


@router.get("/checks")
def list_checks(
    engine: EngineOf,
    _reader: Reader,
    check_name: _OfCheck = "",
    project: _OfProject = "",
    status: _OfStatus = None,
) -> list[CheckState]:
    """List every check of every project: how it stands and when it runs next."""
    project_id = _project_id(engine, project)
    return [
        CheckState.of(cell)
        for cell in engine.checks.matrix(details=False)
        if check_name in ("", cell.check.name)
        and (project_id is None or (cell.project is not None and cell.project.id == project_id))
        and (status is None or (cell.result is not None and cell.result.status is status))
    ]


@router.get("/checks/results")
def list_results(
    request: Request,
    response: Response,
    engine: EngineOf,
    _reader: Reader,
    check_name: _OfCheck = "",
    project: _OfProject = "",
    status: _OfStatus = None,
    details: Annotated[bool, Query(description="With details, of up to 1 MiB each.")] = False,
    before: Before = None,
    limit: Limit = 50,
) -> list[CheckResultAnswer]:
    """List results of checks, newest first."""
    if check_name:
        engine.checks.get(check_name)
    found = engine.checks.results(
        check_name,
        _project_id(engine, project),
        status=status,
        before=before,
        limit=limit + 1,
        details=details,
    )
    page, names = found[:limit], _project_names(engine)
    if len(found) > limit:
        next_page(request, response, before=page[-1].id)
    return [CheckResultAnswer.of(each, names) for each in page]


@router.get("/checks/results/{number}")
def get_result(number: RunNumber, engine: EngineOf, _reader: Reader) -> CheckResultAnswer:
    """A result of a check, with its details."""
    return CheckResultAnswer.of(engine.checks.result(number), _project_names(engine))


def _start_check(
    check_name: CheckName,
    request: Request,
    engine: EngineOf,
    jobs: JobsOf,
    principal: BuildUser,
    body: CheckRunBody | None = None,
) -> Job:
    body = body or CheckRunBody()
    engine.checks.get(check_name)
    project_id = _project_id(engine, body.project)
    request.state.audit_subject = f"{check_name} {body.project}".rstrip()

    def run(job: Job) -> Mapping[str, Any]:
        job.report(0, "looking")
        result = engine.checks.run(check_name, project_id, cancel=job.cancel)
        answer = CheckResultAnswer.of(result, _project_names(engine))
        return {"result_id": answer.id, **answer.model_dump(mode="json")}

    job = Job(JobKind.CHECK, check_name, principal.name)
    return jobs.start(
        job,
        run,
        claim=f"check {check_name} {project_id or ''}",
        at_once=engine.settings.max_concurrent_checks,
    )


@router.post(
    "/checks/{check_name}/run",
    status_code=202,
    responses={200: {"model": JobAnswer, "description": "It ended while the call waited."}},
)
async def run_check(
    _user: BuildUser,
    job: Annotated[Job, Depends(_start_check)],
    response: Response,
    wait: Wait = 0.0,
) -> JobAnswer:
    """Run a check now; `result.result_id` of the job names its result once it has ended."""
    return await answer_job(job, wait, response)


@router.patch("/checks/{check_name}")
def set_check(
    check_name: CheckName,
    body: CheckPlanBody,
    request: Request,
    engine: EngineOf,
    _admin: Admin,
) -> list[CheckState]:
    """Say when a check runs; it is written into the settings file and in force at once."""
    if body.enabled is None and body.interval is None:
        raise UsageError("nothing to set: enabled, interval")
    of = engine.projects.get(body.project).name if body.project else ""
    request.state.audit_subject = f"{check_name} {of}".rstrip()
    engine.checks.configure(check_name, of, enabled=body.enabled, interval=body.interval)
    return [
        CheckState.of(cell)
        for cell in engine.checks.matrix(details=False)
        if cell.check.name == check_name
        and (not of or (cell.project is not None and cell.project.name == of))
    ]


def _project_id(engine: Engine, project: str) -> uuid.UUID | None:
    return engine.projects.get(project).id if project else None


def _project_names(engine: Engine) -> Mapping[uuid.UUID, str]:
    return {project.id: project.name for project in engine.projects.list()}
