"""Approval of commits of forks and pull requests, which reach no board before."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from engine.enums import RunStatus
from engine.server.access import BoardUser, EngineOf
from engine.server.parameters import RunNumber
from engine.server.responses import SafeJson

router = APIRouter(tags=["builds"], default_response_class=SafeJson)


class Approved(BaseModel):
    """The build of an approved commit, which may use a board."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    build_id: int
    """The new build."""

    status: RunStatus
    """How it stands."""

    commit_sha: str
    """The commit that was approved."""

    proposed_by: str = Field(examples=["github pull request #7 of octocat"])
    """Whose it is."""

    approved_by: str
    """Who approved it: the token's name."""


@router.post("/builds/{number}/approve", status_code=202)
def approve_build(
    number: RunNumber, request: Request, engine: EngineOf, user: BoardUser
) -> Approved:
    """Let the commit of a pull request reach boards, and build it again with one."""
    request.state.audit_subject = f"build {number}"
    build = engine.builds.approve(number, user.name)
    return Approved(
        build_id=build.number,
        status=build.status,
        commit_sha=build.commit_sha,
        proposed_by=build.proposed_by,
        approved_by=build.approved_by,
    )
