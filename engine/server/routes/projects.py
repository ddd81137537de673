"""Projects: list, import, change, remove, sync, build, statistics."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from engine import Engine, Principal, Project, ProjectEdits
from engine.enums import ProjectStatus, Scope, Trigger
from engine.errors import UsageError
from engine.events import Event, ProjectChanged
from engine.server.access import Admin, BuildUser, EngineOf, Reader, require_scope
from engine.server.models.projects import (
    AppAnswer,
    BuildRequest,
    BuildStarted,
    ProjectAnswer,
    ProjectChange,
    ProjectImport,
    ProjectReplacement,
    StatsAnswer,
    VariantAnswer,
)
from engine.server.parameters import Limit, ProjectName, Wait, next_page, require_json
from engine.server.responses import SafeJson
from engine.server.turns import MEASURING
from engine.server.waiting import wait_until

router = APIRouter(
    tags=["projects"], default_response_class=SafeJson, dependencies=[Depends(require_json)]
)

_AUTO, _NONE = "auto", "none"

_SETTLE_SECONDS = 0.1

_SORT_KEYS: dict[str, Callable[[Project], str]] = {
    "name": lambda project: project.name.lower(),
    "created_at": lambda project: project.created_at.isoformat(),
    "updated_at": lambda project: project.updated_at.isoformat(),
}

Sort = Annotated[
    Literal["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"],
    Query(description="What they are sorted by; with - the other way round."),
]


@router.get("/projects")
def list_projects(
    request: Request,
    response: Response,
    engine: EngineOf,
    _: Reader,
    status: ProjectStatus | None = None,
    target: Annotated[str, Query(max_length=200, description="For this chip.")] = "",
    text: Annotated[str, Query(max_length=200, description="In its name or source.")] = "",
    sort: Sort = "name",
    limit: Limit = 50,
    after: Annotated[
        str, Query(max_length=400, description="As the link to the next page has it.")
    ] = "",
) -> list[ProjectAnswer]:
    """Projects, a page at a time."""
    key = _SORT_KEYS[sort.removeprefix("-")]
    is_reversed = sort.startswith("-")

    def place(project: Project) -> tuple[str, str]:
        return key(project), str(project.id)

    found = [
        each
        for each in engine.projects.list()
        if (status is None or each.status is status)
        and (not target or target in (each.target, *each.targets))
        and (text.lower() in each.name.lower() or text.lower() in _answer(engine, each).source)
    ]
    found.sort(key=place, reverse=is_reversed)
    if after:
        last_id, _colon, last_key = after.partition(":")
        last = last_key, last_id
        found = [
            each for each in found if (place(each) < last if is_reversed else place(each) > last)
        ]
    page = found[:limit]
    if len(found) > limit:
        name, last_id = place(page[-1])
        next_page(request, response, after=f"{last_id}:{name}")
    return [_answer(engine, each) for each in page]


@router.post("/projects", status_code=202)
def import_project(
    asked: ProjectImport, request: Request, response: Response, engine: EngineOf, _: Admin
) -> ProjectAnswer:
    """Import a repository: it is `pending` while it is cloned, then `active` or `error`.

    A source that is a project already is refused unless a name of its own is given.
    """
    source = asked.source.strip()
    if _is_relative(source):
        raise UsageError(
            f"{source[:200]!r}: a repository of the lab machine is named by its absolute path"
        )
    targets = _targets(asked.target, asked.targets) or ()
    engine.project_editor.check_new(
        source, asked.name, asked.branch, asked.app, asked.configuration
    )
    added = engine.projects.add(
        source,
        name=asked.name,
        targets=targets,
        branch=asked.branch or None,
        app=asked.app,
        configuration=asked.configuration,
    )
    request.state.audit_subject = added.name
    response.headers["Location"] = str(request.url_for("get_project", project=added.id))
    return _answer(engine, added)


@router.get("/projects/{project}")
async def get_project(
    project: ProjectName, request: Request, engine: EngineOf, _: Reader, wait: Wait = 0.0
) -> ProjectAnswer:
    """A project; with `wait`, when it is neither cloned nor synced any more."""
    if wait:

        def is_done() -> bool:
            now = engine.projects.get(project)
            engine.projects.wait(now.id, _SETTLE_SECONDS)  # it says that it is done, then it is
            return now.status is not ProjectStatus.PENDING and not engine.projects.is_syncing(
                now.id
            )

        await wait_until(engine, request, is_done, _is_of_projects, wait)
    return await run_in_threadpool(lambda: _answer(engine, engine.projects.get(project)))


@router.patch("/projects/{project}")
def change_project(
    project: ProjectName, asked: ProjectChange, request: Request, engine: EngineOf, _: Admin
) -> ProjectAnswer:
    """Change a project; what makes no sense changes nothing.

    Its sources are looked at, and synced where that matters, before it answers.
    """
    return _edit(
        *(engine, project, request),
        ProjectEdits(
            name=asked.name,
            targets=_targets(asked.target, asked.targets),
            branch=asked.branch,
            app=asked.app,
            configuration=asked.configuration,
            source=asked.source,
        ),
    )


@router.put("/projects/{project}")
def replace_project(
    project: ProjectName, asked: ProjectReplacement, request: Request, engine: EngineOf, _: Admin
) -> ProjectAnswer:
    """Change all of a project but its source; what is left out is as in a new one."""
    return _edit(
        *(engine, project, request),
        ProjectEdits(
            name=asked.name,
            targets=_targets(asked.target, asked.targets) or [],
            branch=asked.branch,
            app=asked.app,
            configuration=asked.configuration,
        ),
    )


@router.delete("/projects/{project}", status_code=204, response_class=Response)
def remove_project(project: ProjectName, request: Request, engine: EngineOf, _: Admin) -> None:
    """Remove a project, its builds, logs and artifacts, and its clone; 409 while a build runs."""
    found = _get(engine, project, request)
    engine.projects.remove(found.id)


@router.post("/projects/{project}/sync", status_code=202)
def sync_project(
    project: ProjectName, request: Request, engine: EngineOf, _: BuildUser
) -> ProjectAnswer:
    """Fetch from the source; a build does so by itself. 409 while it is cloned or synced."""
    found = _get(engine, project, request)
    engine.projects.sync(found.id)
    return _answer(engine, engine.projects.get(str(found.id)))


@router.post("/projects/{project}/build", status_code=202)
def build_project(
    project: ProjectName,
    request: Request,
    response: Response,
    engine: EngineOf,
    principal: BuildUser,
    asked: BuildRequest | None = None,
) -> BuildStarted:
    """Start a build. The project is synced first; a project that cannot be built is a 409."""
    asked = asked or BuildRequest()
    found = _get(engine, project, request)
    board = _board(asked, principal)
    simulator = _simulator(asked)
    located = engine.builds.check(found.id, asked.commit_sha or None)
    variant = None
    if asked.target or asked.configuration:
        (variant,) = engine.builds.choose_variants(
            located.project,
            targets=[asked.target] if asked.target else [],
            configurations=[asked.configuration] if asked.configuration else [],
            commit=asked.commit_sha or None,
        )
    build = engine.builds.start(
        found.id,
        variant=variant,
        located=located,
        board=board,
        simulator=simulator,
        triggered_by=Trigger(asked.trigger),
        asked_by=principal.name,
    )
    response.headers["Location"] = str(request.url_for("get_build", number=build.number))
    return BuildStarted(
        build_id=build.number,
        status=build.status,
        project_id=found.id,
        commit_sha=build.commit_sha,
    )


@router.get("/projects/{project}/stats")
def project_stats(project: ProjectName, engine: EngineOf, _: Reader) -> StatsAnswer:
    """How the builds of a project went."""
    return StatsAnswer.of(engine.projects.stats(engine.projects.get(project).id))


@router.get("/projects/{project}/variants", dependencies=[MEASURING])
def project_variants(project: ProjectName, engine: EngineOf, _: Reader) -> list[VariantAnswer]:
    """Every way to build a project: its chips, each with the configurations that are for it."""
    found = engine.projects.variants(engine.projects.get(project).id)
    return [VariantAnswer(target=each.target, configuration=each.configuration) for each in found]


@router.get("/projects/{project}/apps", dependencies=[MEASURING])
def project_apps(
    project: ProjectName,
    request: Request,
    response: Response,
    engine: EngineOf,
    _: Reader,
    limit: Limit = 1000,
    after: Annotated[
        str | None, Query(max_length=4096, description="Only folders after this one.")
    ] = None,
) -> list[AppAnswer]:
    """What there is to build in the repository of a project, by folder."""
    found = [
        each
        for each in engine.projects.survey(engine.projects.get(project).id).apps
        if after is None or each.path > after
    ]
    if len(found) > limit:
        next_page(request, response, after=found[limit - 1].path)
    return [AppAnswer.of(each) for each in found[:limit]]


def _edit(engine: Engine, project: str, request: Request, edits: ProjectEdits) -> ProjectAnswer:
    found = _get(engine, project, request)
    return _answer(engine, engine.project_editor.edit(found, edits))


def _get(engine: Engine, project: str, request: Request) -> Project:
    """A project to which something is done, as the audit log is to name it."""
    found = engine.projects.get(project)
    request.state.audit_subject = found.name
    return found


def _answer(engine: Engine, project: Project) -> ProjectAnswer:
    return ProjectAnswer.of(project, syncing=engine.projects.is_syncing(project.id))


def _targets(target: str | None, targets: Sequence[str] | None) -> list[str] | None:
    """Chips, the one of a plain build first; None where none are named."""
    if not target:
        return list(targets) if targets is not None else None
    return [target, *(each for each in targets or () if each != target)]


def _is_relative(source: str) -> bool:
    """Whether a source is a path from the folder or the home that the server happens to have."""
    return re.match(r"/|-|[\w+.-]+://|[^/]*@", source) is None


def _is_of_projects(event: Event) -> bool:
    return isinstance(event, ProjectChanged)


def _board(asked: BuildRequest, principal: Principal) -> str:
    """The board that a build is to use, as the engine names it.

    Raises:
        UsageError: what is asked for contradicts itself.
        AccessError: the token may use none.
    """
    named = asked.board or ""
    if asked.flash_device is False and named not in ("", _NONE):
        raise UsageError(f"flash_device is false, and board is {named[:80]!r}: leave one out")
    if asked.flash_device and named == _NONE:
        raise UsageError("flash_device is true, and board is 'none': leave one out")
    wanted = _NONE if asked.flash_device is False else named
    if principal.scope.allows(Scope.FLASH):
        return wanted or _AUTO
    if asked.flash_device or wanted not in ("", _NONE):
        require_scope(principal, Scope.FLASH, "to use a board")
    return _NONE


def _simulator(asked: BuildRequest) -> str:
    """The simulator that a build is to use, as the engine names it.

    Raises:
        UsageError: what is asked for contradicts itself.
    """
    named = asked.simulator or ""
    if asked.run_qemu is False and named not in ("", _NONE):
        raise UsageError(f"run_qemu is false, and simulator is {named[:80]!r}: leave one out")
    if asked.run_qemu and named == _NONE:
        raise UsageError("run_qemu is true, and simulator is 'none': leave one out")
    return _NONE if asked.run_qemu is False else named or _AUTO
