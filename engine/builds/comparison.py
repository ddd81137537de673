"""What differs between two builds of a project: files, sizes, findings, durations, commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.artifacts.file_changes import FileChange, compare_files
from engine.errors import EspdeckError, UsageError
from engine.projects.git_objects import CommitsBetween, commits_between
from engine.sizes.tables import RegionRow, SizeGroup, SizeRow, Sizes
from engine.store import projects, runs
from engine.store.database import Store
from engine.store.tables import FindingRow, Run, StageRow

SizesOf = Callable[[int], Sizes]


@dataclass(frozen=True, slots=True)
class StageTimes:
    """How long the last attempt of a stage took, in seconds; None where it did not run."""

    stage: str
    seconds: float | None
    before: float | None


@dataclass(frozen=True, slots=True)
class BuildComparison:
    """What differs between a build and another one, which comes before it.

    Args:
        build, other: the builds.
        regions: how full memories and the app's partition are, and were.
        components: those whose size differs, what grew most first.
        new_findings: findings of the last attempts of ``build`` that ``other`` has not.
        gone_findings: findings of the last attempts of ``other`` that ``build`` has not.
        stages: durations.
        files: what either kept, by path.
        commits: what lies between their commits; None where that cannot be said.
        problems: what could not be compared, and why, a line each.
    """

    build: Run
    other: Run
    regions: tuple[RegionRow, ...]
    components: tuple[SizeRow, ...]
    new_findings: tuple[FindingRow, ...]
    gone_findings: tuple[FindingRow, ...]
    stages: tuple[StageTimes, ...]
    files: tuple[FileChange, ...]
    commits: CommitsBetween | None
    problems: tuple[str, ...]


def compare(store: Store, build: Run, other: Run, sizes_of: SizesOf) -> BuildComparison:
    """Compare a build with another one of its project. Takes seconds for large programs.

    Args:
        sizes_of: gives the sizes of a build by its number, or raises an EspdeckError.

    Raises:
        UsageError: they are of different projects.
    """
    if build.project_id != other.project_id or build.project_id is None:
        raise UsageError(f"build {other.number} is of another project than build {build.number}")
    problems: list[str] = []
    regions: tuple[RegionRow, ...] = ()
    components: tuple[SizeRow, ...] = ()
    try:
        now, then = sizes_of(build.number), sizes_of(other.number)
    except EspdeckError as error:
        problems.append(f"sizes: {error}")
    else:
        regions = now.region_table(then)
        changed = (row for row in now.table(SizeGroup.COMPONENT, then) if row.change)
        components = tuple(sorted(changed, key=lambda row: -row.change))
    commits: CommitsBetween | None = None
    try:
        clone = Path(projects.get_project(store, build.project_id).clone_path)
        commits = commits_between(clone, other.commit_sha, build.commit_sha)
    except EspdeckError as error:
        problems.append(f"commits: {error}")
    stages = runs.stages_of(store, build.number), runs.stages_of(store, other.number)
    found = _last_findings(store, build, stages[0]), _last_findings(store, other, stages[1])
    return BuildComparison(
        build=build,
        other=other,
        regions=regions,
        components=components,
        new_findings=_without(found[0], found[1]),
        gone_findings=_without(found[1], found[0]),
        stages=_times(*stages),
        files=compare_files(
            runs.artifacts_of(store, other.number), runs.artifacts_of(store, build.number)
        ),
        commits=commits,
        problems=tuple(problems),
    )


def _last_findings(store: Store, build: Run, stages: Sequence[StageRow]) -> list[FindingRow]:
    """Findings of the last attempt of each stage."""
    last = {row.key: row.attempt for row in sorted(stages, key=lambda row: row.attempt)}
    found = runs.findings_of(store, build.number)
    return [row for row in found if row.attempt == last.get(row.stage, row.attempt)]


def _without(found: Iterable[FindingRow], others: Iterable[FindingRow]) -> tuple[FindingRow, ...]:
    """Findings that others do not have; one that only moved within its file is the same."""
    known = Counter(map(_identity, others))
    left: list[FindingRow] = []
    for row in found:
        if known[_identity(row)] > 0:
            known[_identity(row)] -= 1
        else:
            left.append(row)
    return tuple(left)


def _identity(row: FindingRow) -> tuple[str, str, str, str]:
    return row.severity, row.code, row.file or "", row.message


def _times(stages: Sequence[StageRow], others: Sequence[StageRow]) -> tuple[StageTimes, ...]:
    now, then = ({row.key: row.seconds for row in rows} for rows in (stages, others))
    return tuple(
        StageTimes(key, now.get(key), then.get(key)) for key in dict.fromkeys((*now, *then))
    )
