"""The build of a commit that tasks are told of: how it went, what was found, what was printed."""

from __future__ import annotations

from dataclasses import dataclass

from engine.enums import Role, RunStatus, StageStatus
from engine.findings import Finding
from engine.store import logs, runs
from engine.store.database import Store
from engine.store.tables import Project, Run, StageRow

CONSOLE_LINES = 60
"""Lines of the console that are told, the last."""

MAX_FINDINGS = 12
"""Findings that are told, errors first."""

_ENDED = (RunStatus.SUCCESS, RunStatus.FAILED)
_TOLD = (Role.BUILDER, Role.TESTER, Role.DOCTOR)


@dataclass(frozen=True, slots=True)
class LastBuild:
    """How the newest build of a commit went, or else that of the project.

    Args:
        number: of the build.
        commit: that it built.
        is_of_commit: whether it is the one that was asked for.
        succeeded: whether it did.
        stages: what its stages say that built, tested or judged, one line each.
        findings: the worst first.
        console: what firmware printed last, from the stage that failed if one did.
    """

    number: int
    commit: str
    is_of_commit: bool
    succeeded: bool
    stages: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    console: tuple[str, ...] = ()


def last_build(store: Store, project: Project, sha: str) -> LastBuild | None:
    """What is known of a commit's build; None where neither it nor the project has one.

    Args:
        sha: the commit that a task is about.
    """
    variant = (project.target, project.configuration)
    build = runs.build_of_commit(store, project.id, sha, variant)
    if build is None or build.status not in _ENDED:
        build = runs.newest_result(store, project.id, "", variant)
    return _told(store, build, sha) if build is not None else None


def _told(store: Store, build: Run, sha: str) -> LastBuild:
    latest = {row.key: row for row in runs.stages_of(store, build.number) if row.summary}
    rows = [row for row in latest.values() if row.agent in _TOLD]
    findings = [row for row in runs.findings_of(store, build.number) if not row.superseded]
    return LastBuild(
        number=build.number,
        commit=build.commit_sha,
        is_of_commit=build.commit_sha == sha and not build.dirty,
        succeeded=build.status is RunStatus.SUCCESS,
        stages=tuple(f"{row.key}: {row.status}, {row.summary}" for row in rows),
        findings=tuple(
            row.finding for row in sorted(findings, key=lambda row: row.rank)[:MAX_FINDINGS]
        ),
        console=_console(store, build.number, [row for row in rows if row.agent == Role.TESTER]),
    )


def _console(store: Store, number: int, rows: list[StageRow]) -> tuple[str, ...]:
    """The last lines of the console of the first test that failed, else of the first."""
    for row in sorted(rows, key=lambda row: row.status is StageStatus.SUCCESS):
        key = logs.LogKey(number, row.key, row.attempt, "serial")
        lines = logs.line_count(store, key)
        if lines:
            return tuple(logs.read_lines(store, key, max(0, lines - CONSOLE_LINES)))
    return ()
