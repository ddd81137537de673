"""In which order projects are shown: what needs a person first, or by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from engine.enums import ProjectStatus, RunStatus
from engine.overview.records import ProjectOverview


class Attention(IntEnum):
    """How much a project needs a person; the first matters most."""

    BROKEN = 0
    """Its newest result is a failure, or it cannot be built at all."""

    SYNC = 1
    """Its source does not answer, or was not looked at for long."""

    WORKING = 2
    """A build of it runs or waits."""

    OUTDATED = 3
    """Its tip was not built yet."""

    DIRTY = 4
    """Its folder has changes that are not committed."""

    NOT_BUILT = 5
    """No build of it succeeded or failed yet."""

    WELL = 6


def attention(found: ProjectOverview) -> Attention:
    """How much a project needs a person."""
    if found.broken is not None or found.project.status is ProjectStatus.ERROR:
        return Attention.BROKEN
    if found.sync_problem:
        return Attention.SYNC
    if found.build is not None and not found.build.status.is_final:
        return Attention.WORKING
    if found.ahead != 0:
        return Attention.OUTDATED
    if found.is_dirty:
        return Attention.DIRTY
    if not any(status in (RunStatus.SUCCESS, RunStatus.FAILED) for status in found.last):
        return Attention.NOT_BUILT
    return Attention.WELL


def by_name(found: ProjectOverview) -> Any:
    """Key that sorts projects by name, whatever their case."""
    return found.project.name.casefold(), found.project.name


def by_attention(found: ProjectOverview) -> Any:
    """Key that sorts projects by what needs a person first.

    What broke last comes first of what is broken; all else is by name, so that rows stay where they
    are while a build goes on.
    """
    since = found.broken_since
    return attention(found), -since.timestamp() if since is not None else 0.0, by_name(found)


PROJECT_ORDERS: Mapping[str, Callable[[ProjectOverview], Any]] = {
    "by attention": by_attention,
    "by name": by_name,
}
"""Keys that sort projects, by what people call the order; the first is the usual one."""
