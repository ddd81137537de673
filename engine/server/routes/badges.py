"""Badges of projects, for pages of forges: open where the settings of the project say so."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from engine.enums import Scope
from engine.errors import NotFoundError
from engine.server.access import EngineOf
from engine.server.badge import badge_svg
from engine.server.parameters import ProjectName

router = APIRouter(tags=["badges"])

# Caches of forges (GitHub's camo) heed no-cache; what is not kept cannot be old.
_HEADERS = {
    "Cache-Control": "no-cache, no-store, max-age=0",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@router.get(
    "/badge/{project}.svg",
    response_class=Response,
    responses={
        200: {"content": {"image/svg+xml": {}}},
        404: {"description": "No such project, or none whose badge is public."},
    },
)
def show_badge(
    project: ProjectName,
    request: Request,
    engine: EngineOf,
    branch: Annotated[
        str | None, Query(max_length=200, description="Only builds of it; else what it follows.")
    ] = None,
) -> Response:
    """How the newest build of a project stands that ended, as an image.

    A project whose badge is not public answers as one that is not there, unless a token asks.
    """
    principal = request.state.principal
    sees_all = principal is not None and principal.scope.allows(Scope.READ)
    found = next((each for each in engine.projects.list() if each.name == project), None)
    settings = engine.settings.projects.get(project)
    if found is None or not (sees_all or (settings is not None and settings.badge)):
        raise NotFoundError("no badge of that project, or it is not public (projects.NAME.badge)")
    newest = engine.builds.newest_result(found, branch)
    status = newest.status if newest is not None else None
    return Response(badge_svg(status), media_type="image/svg+xml", headers=_HEADERS)
