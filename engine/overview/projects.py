"""A project at a glance, from what the store has of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.enums import CheckStatus, ProjectStatus
from engine.overview.git_looks import Glance, Seen
from engine.overview.records import ProjectOverview
from engine.projects.project_sync import NOT_SYNCED_DETAIL
from engine.store.checks import NewestResult
from engine.store.project_builds import ProjectBuilds
from engine.store.tables import Project, WatchRow
from engine.text import clean

STALE_AFTER = timedelta(days=7)
"""Time without a look at a source after which a project is told to be old."""


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What the store has of a project.

    Args:
        project: itself.
        builds: None for none.
        watch: what starts its builds, where its source did not answer last; else None.
        looked_at: when its source was asked for news last, None for never.
        checks: newest results of its checks that are no success, the newest first.
        board: the board that has its newest build, empty for none.
        seen: what Git said of it last.
    """

    project: Project
    builds: ProjectBuilds | None
    watch: WatchRow | None
    looked_at: datetime | None
    checks: Sequence[NewestResult]
    board: str
    seen: Seen


_NO_BUILDS = ProjectBuilds(None, None, "", None, (), None, "", is_tip_built=False)


def glance_of(project: Project, builds: ProjectBuilds | None) -> Glance:
    """Where to look at a project, and what for."""
    builds = builds or _NO_BUILDS
    return Glance(
        project_id=project.id,
        # Whether it is there, and a person's, is seen when it is looked at.
        folder=project.source if project.source.startswith("/") else "",
        clone=project.clone_path,
        branch=project.branch or "",
        built=builds.newest_commit,
        tip=project.tip if builds.newest_commit and not builds.is_tip_built else "",
    )


def project_overview(state: ProjectState, now: datetime) -> ProjectOverview:
    """A project as a front end shows it."""
    project, builds, seen = state.project, state.builds or _NO_BUILDS, state.seen
    is_ahead = bool(builds.newest_commit and project.tip and not builds.is_tip_built)
    is_error = project.status is ProjectStatus.ERROR
    results = [each.status for each in state.checks]
    worst = max(state.checks, key=lambda each: each.status is CheckStatus.ERROR, default=None)
    return ProjectOverview(
        project=project,
        build=builds.build,
        reason=first_line(project.status_detail if is_error else builds.reason),
        broken=builds.broken,
        broken_since=builds.broken_since,
        last=builds.last[::-1],
        success_rate=builds.success_rate,
        board=state.board,
        is_dirty=seen.is_dirty,
        ahead=seen.ahead if seen.ahead is not None else None if is_ahead else 0,
        sync_problem=_sync_problem(state, now),
        check=worst.check if worst is not None else "",
        check_status=worst.status if worst is not None else None,
        check_message=worst.message if worst is not None else "",
        errors=results.count(CheckStatus.ERROR),
        warnings=results.count(CheckStatus.WARNING),
    )


def _sync_problem(state: ProjectState, now: datetime) -> str:
    """Why what is known of a source is old, in a line; empty where it is not."""
    project = state.project
    if project.status is not ProjectStatus.ACTIVE:
        return ""
    if state.watch is not None:
        return first_line(state.watch.failure)
    if project.status_detail.startswith(NOT_SYNCED_DETAIL):
        return first_line(project.status_detail.removeprefix(NOT_SYNCED_DETAIL))
    looked_at = state.looked_at
    if not is_old(project, now) or (looked_at is not None and now - looked_at <= STALE_AFTER):
        return ""
    looked = max(filter(None, (project.synced_at, looked_at)))
    return f"not synced for {(now - looked).days} d"


def is_old(project: Project, now: datetime) -> bool:
    """Whether a project was not synced for long; a folder of this machine needs no sync."""
    synced_at = project.synced_at
    return (
        synced_at is not None
        and now - synced_at > STALE_AFTER
        and not project.source.startswith("/")
    )


def first_line(text: str) -> str:
    """The first line of an untrusted text that has something in it, cleaned."""
    return next((line for each in text.splitlines() if (line := clean(each).strip())), "")
