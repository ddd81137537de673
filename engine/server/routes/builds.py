"""Builds: list, look, cancel, retry; what they found and kept, and how two of them differ."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from engine import Engine, Principal, Run, SizeGroup
from engine.enums import RunStatus, Scope, Severity
from engine.errors import ConflictError, NotFoundError
from engine.events import Event, Problem, RunChanged, RunCompleted
from engine.server.access import BuildUser, EngineOf, Reader, require_scope
from engine.server.comparison_text import comparison_lines
from engine.server.models.builds import (
    ArtifactAnswer,
    BuildAnswer,
    BuildFilters,
    BuildSummary,
    FindingAnswer,
    FixAnswer,
    GateAnswer,
    RegionAnswer,
    RetryRequest,
    SizeAnswer,
    SizesAnswer,
    SourceLines,
)
from engine.server.models.comparison import ComparisonAnswer
from engine.server.parameters import MAX_NUMBER, RunNumber, Wait, next_page, require_json
from engine.server.responses import SafeJson, text_answer, wants_text
from engine.server.turns import MEASURING
from engine.server.waiting import wait_until

router = APIRouter(
    tags=["builds"], default_response_class=SafeJson, dependencies=[Depends(require_json)]
)

Stage = Annotated[str, Query(max_length=100, description="Only of this stage.")]

_MAX_SOURCE_LINES = 5000


@router.get("/builds")
def list_builds(
    request: Request,
    response: Response,
    engine: EngineOf,
    _: Reader,
    filters: Annotated[BuildFilters, Query()],
) -> list[BuildSummary]:
    """Builds, the newest first, a page at a time; those that start meanwhile shift no page."""
    project = engine.projects.get(filters.project_id).id if filters.project_id else None
    found = engine.builds.list(
        project,
        filters.status,
        filters.text,
        filters.limit + 1,
        filters.before,
        branch=filters.branch,
        target=filters.target,
        commit=filters.commit_sha,
        after=filters.after,
        oldest_first=filters.sort == "id",
        brief=True,
    )
    page = found[: filters.limit]
    if len(found) > filters.limit:
        name = "after" if filters.sort == "id" else "before"
        next_page(request, response, **{name: page[-1].number})
    return [BuildSummary.of(each) for each in page]


@router.get("/builds/{number}")
async def get_build(
    number: RunNumber, request: Request, engine: EngineOf, _: Reader, wait: Wait = 0.0
) -> BuildAnswer:
    """A build; with `wait`, when it has ended."""
    if wait:

        def is_done() -> bool:
            return engine.builds.get(number).status.is_final

        def may_be_done(event: Event) -> bool:
            is_end = isinstance(event, RunCompleted | RunChanged) and event.run_id == number
            return is_end or isinstance(event, Problem)

        await wait_until(engine, request, is_done, may_be_done, wait)
    return await run_in_threadpool(lambda: _answer(engine, engine.builds.get(number)))


@router.post("/builds/{number}/retry", status_code=202)
def retry_build(
    number: RunNumber,
    request: Request,
    engine: EngineOf,
    principal: BuildUser,
    asked: RetryRequest | None = None,
) -> BuildAnswer:
    """Do a build again that failed or was cancelled, under its number; any other is a 409."""
    build = _get(engine, number, request)
    if build.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        raise ConflictError(
            f"Build status is '{build.status}', must be 'failed' or 'cancelled' to be retried"
        )
    _check_board(build, principal)
    return _answer(engine, engine.builds.retry(number, asked.stage if asked else None))


@router.post("/builds/{number}/cancel", status_code=202)
def cancel_build(
    number: RunNumber, request: Request, engine: EngineOf, principal: BuildUser
) -> BuildAnswer:
    """End a build; what runs of it is gone within a second. One that has ended is a 409."""
    _get(engine, number, request)
    reason = f"cancelled by {principal.name} before it began"
    return _answer(engine, engine.builds.cancel(number, reason=reason))


@router.get("/builds/{number}/findings")
def list_findings(
    number: RunNumber,
    request: Request,
    response: Response,
    engine: EngineOf,
    _: Reader,
    severity: Severity | None = None,
    stage: Stage = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    after: Annotated[int, Query(ge=0, le=MAX_NUMBER)] = 0,
) -> list[FindingAnswer]:
    """What the stages of a build found, in the order in which they did."""
    engine.builds.get(number)
    found = [
        each
        for each in engine.builds.findings(number)
        if (each.id or 0) > after
        and severity in (None, each.severity)
        and stage in ("", each.stage)
    ]
    if len(found) > limit:
        next_page(request, response, after=found[limit - 1].id)
    return [FindingAnswer.of(each) for each in found[:limit]]


@router.get("/builds/{number}/artifacts")
def list_artifacts(
    number: RunNumber,
    request: Request,
    response: Response,
    engine: EngineOf,
    _: Reader,
    stage: Stage = "",
    superseded: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    after: Annotated[str, Query(max_length=4096)] = "",
) -> list[ArtifactAnswer]:
    """The files that a build kept, by path; of earlier attempts as well where that is asked for."""
    engine.builds.get(number)
    kept = engine.builds.artifacts(number, superseded=superseded)
    found = sorted(
        (each for each in kept if stage in ("", each.stage) and each.path > after),
        key=lambda each: each.path,
    )
    end = limit
    while 0 < end < len(found) and found[end].path == found[end - 1].path:
        end += 1  # those of one path are not torn apart
    if len(found) > end:
        next_page(request, response, after=found[end - 1].path)
    return [ArtifactAnswer.of(each) for each in found[:end]]


@router.get("/builds/{number}/sizes", dependencies=[MEASURING])
def build_sizes(
    number: RunNumber,
    engine: EngineOf,
    _: Reader,
    by: SizeGroup = SizeGroup.COMPONENT,
    against: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
) -> SizesAnswer:
    """Where the bytes of a build's firmware are, beside those of another build."""
    now = engine.builds.sizes(number)
    before = engine.builds.sizes(against) if against is not None else None
    return SizesAnswer(
        build_id=number,
        against=against,
        by=by,
        regions=[RegionAnswer.of(row) for row in now.region_table(before)],
        rows=[SizeAnswer.of(row) for row in now.table(by, before)],
    )


@router.get("/builds/{number}/gate")
def build_gate(number: RunNumber, engine: EngineOf, _: Reader) -> GateAnswer:
    """What the quality gate said of a build; 404 where it did not measure."""
    engine.builds.get(number)
    result = engine.builds.gate(number)
    if result is None:
        raise NotFoundError(f"the quality gate did not measure in build {number}")
    return GateAnswer.of(result)


@router.get("/builds/{number}/fix")
def build_fix(number: RunNumber, engine: EngineOf, _: Reader) -> FixAnswer:
    """What the repairs of a build come to; 404 where there is no fix."""
    return FixAnswer.of(engine.fixes.existing(number))


@router.get("/builds/{number}/source")
def build_source(
    number: RunNumber,
    engine: EngineOf,
    _: Reader,
    file: Annotated[str, Query(min_length=1, max_length=4096, examples=["main/main.c"])],
    first: Annotated[int, Query(ge=1, le=MAX_NUMBER)] = 1,
    count: Annotated[int, Query(ge=1, le=_MAX_SOURCE_LINES)] = 200,
) -> SourceLines:
    """Lines of a source file as the build's commit has it, around a finding, for instance."""
    lines = engine.builds.source(number, file)
    some = list(lines[first - 1 : first - 1 + count])
    return SourceLines(file=file, first=first, lines=some, total=len(lines))


@router.get(
    "/builds/{number}/compare/{other}",
    response_model=ComparisonAnswer,
    dependencies=[MEASURING],
    responses={200: {"content": {"text/plain": {}}}},
)
def compare_builds(
    number: RunNumber, other: RunNumber, request: Request, engine: EngineOf, _: Reader
) -> ComparisonAnswer | Response:
    """What differs between a build and another one of its project, which comes before it.

    As text for those who accept `text/plain`.
    """
    found = engine.builds.compare(number, other)
    if wants_text(request):
        return text_answer(comparison_lines(found))
    return ComparisonAnswer.of(found, engine.builds.compare_logs(number, other))


def _answer(engine: Engine, build: Run) -> BuildAnswer:
    number = build.number
    return BuildAnswer.whole(build, engine.builds.stages(number), engine.builds.retries(number))


def _get(engine: Engine, number: int, request: Request) -> Run:
    """A build to which something is done, as the audit log is to name it."""
    request.state.audit_subject = f"build {number}"
    return engine.builds.get(number)


def _check_board(build: Run, principal: Principal) -> None:
    """See that who asks for a build may have its board.

    Raises:
        AccessError: they may not.
    """
    if build.board != "none":
        purpose = f"for build {build.number}, which may use a board ({build.board})"
        require_scope(principal, Scope.FLASH, purpose)
