"""What projects follow and what builds are of, in a few words, on the screen and in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import chips_of
from engine import stage_key as stage_key
from engine import stage_label as stage_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine import Pipeline, Project, Run
    from engine.enums import RunStatus

NOT_KNOWN = "not known"
"""Chip of a project whose sources do not say it and of which nobody did."""

DIGITS = 7
"""Of the hash of a commit."""


def followed(project: Project) -> str:
    """The branch and commit that a project follows, as ``main at 1f2e3d4``."""
    at = f" at {project.tip[:DIGITS]}" if project.tip else ""
    if project.branch:
        return f"{project.branch}{at}"
    return f"detached{at}" if at else "-"


def chips(project: Project) -> str:
    """Every chip that a project is built for, the one of a plain build first."""
    return ", ".join(chips_of(project)) or NOT_KNOWN


def variant_of(build: Run) -> str:
    """Chip and configuration of a build."""
    return f"{build.target} {build.configuration}".rstrip()


def tells_apart(project: Project, builds: Sequence[Run]) -> bool:
    """Whether builds of a project differ in chip or configuration, or may."""
    plain = {(project.target, project.configuration)}
    return len(project.targets) > 1 or bool({(b.target, b.configuration) for b in builds} - plain)


def commit_of(build: Run, digits: int) -> str:
    """The commit of a build; a snapshot with uncommitted changes ends as in ``git describe``."""
    return f"{build.commit_sha[:digits]}{'-dirty' if build.dirty else ''}"


def ended_reason(kind: str, number: int, status: RunStatus) -> str | None:
    """Why a run cannot be cancelled; ``kind`` is ``build`` or ``task``."""
    return f"{kind} {number} has ended already" if status.is_final else None


def not_ended_reason(kind: str, number: int, status: RunStatus) -> str | None:
    """Why a run cannot be started again; ``kind`` is ``build`` or ``task``."""
    return None if status.is_final else f"{kind} {number} has not ended"


def indented_parts(pipeline: Pipeline) -> dict[str, str]:
    """What stages are called in a list below the step whose change they try, by their keys.

    A title says whose part it is, ``Fix: compile``; below ``Fix``, the rest of it is enough.
    """
    titles: dict[str, str] = {}
    parts: dict[str, str] = {}
    for stage in pipeline.stages:
        owner, dot, _ = stage.key.partition(".")
        if dot and owner in titles:
            parts[stage.key] = f" {stage.title.removeprefix(f'{titles[owner]}: ')}"
        titles[stage.key] = stage.title
    return parts
