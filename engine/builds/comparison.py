"""What differs between two builds of a project: commits, findings, tests, sizes, logs, files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.artifacts.file_changes import FileChange, compare_files
from engine.builds.log_changes import MAX_READ_LINES, LogChange, log_change
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.builds.test_results import TestResult, reports_of, results_of, tally_of
from engine.enums import Severity
from engine.errors import EspdeckError, UsageError
from engine.projects.git_objects import CommitsBetween, commits_between
from engine.runs.told_findings import identity, merged
from engine.sizes.tables import RegionRow, SizeGroup, SizeRow, Sizes
from engine.store import logs, projects, runs
from engine.store.attempts import counted_stages, of_stages
from engine.store.database import Store
from engine.store.logs import LogKey
from engine.store.tables import FindingRow, Run, StageRow
from engine.testing.results import Outcome
from engine.testing.tally import Tally, worst_of

SizesOf = Callable[[int], Sizes]


@dataclass(frozen=True, slots=True)
class StageTimes:
    """How long the last attempt of a stage took, in seconds; None where it did not run."""

    stage: str
    seconds: float | None
    before: float | None


@dataclass(frozen=True, slots=True)
class TestChange:
    """A test that ended differently, or that only one of the builds has.

    Args:
        name: of the test. Untrusted.
        before, after: how it ended, the worst of all places; None where it did not run.
        places: keys of the stages that ran it in the later build, else in the earlier one.
    """

    __test__ = False

    name: str
    before: Outcome | None
    after: Outcome | None
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildComparison:
    """What differs between a build and another one, which comes before it.

    Args:
        build, other: the builds.
        regions: how full memories and the app's partition are, and were.
        components: those whose size differs, what grew most first.
        new_findings: findings that ``build`` has and ``other`` has not, each once.
        gone_findings: findings that ``other`` has and ``build`` has not.
        same_findings: findings that both have, as ``build`` has them.
        tests: those that ended differently.
        tallies: how many different tests each had, of ``build`` and of ``other``.
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
    same_findings: tuple[FindingRow, ...]
    tests: tuple[TestChange, ...]
    tallies: tuple[Tally, Tally]
    stages: tuple[StageTimes, ...]
    files: tuple[FileChange, ...]
    commits: CommitsBetween | None
    problems: tuple[str, ...]


def compare(store: Store, build: Run, other: Run, sizes_of: SizesOf) -> BuildComparison:
    """Compare a build with another one of its project. Takes seconds for large programs.

    Args:
        sizes_of: gives the sizes of a build by its number, or raises an EspdeckError.

    Raises:
        UsageError: they are the same, or of different projects.
    """
    if build.number == other.number:
        raise UsageError(f"build {build.number} is compared with itself: name another build")
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
    stages = counted_of(store, build), counted_of(store, other)
    found = _findings(store, build, stages[0]), _findings(store, other, stages[1])
    new, same = _split(found[0], found[1])
    reports = reports_of(build.test_results or {}), reports_of(other.test_results or {})
    return BuildComparison(
        build=build,
        other=other,
        regions=regions,
        components=components,
        new_findings=new,
        gone_findings=_split(found[1], found[0])[0],
        same_findings=same,
        tests=tuple(_changed_tests(results_of(reports[0]), results_of(reports[1]))),
        tallies=(tally_of(reports[0]), tally_of(reports[1])),
        stages=_times(*stages),
        files=compare_files(
            runs.artifacts_of(store, other.number), runs.artifacts_of(store, build.number)
        ),
        commits=commits,
        problems=tuple(problems),
    )


def compare_logs(store: Store, build: Run, other: Run) -> list[LogChange]:
    """What differs in the logs of the stages that count of two builds, in their order."""
    stages = counted_of(store, build), counted_of(store, other)
    attempts = [{row.key: row.attempt for row in rows} for rows in stages]
    changes: list[LogChange] = []
    for stage in FIRMWARE_PIPELINE.stages:
        for stream in ("log", "serial"):
            lines = [
                _last_lines(store, LogKey(run.number, stage.key, mine[stage.key], stream))
                if stage.key in mine
                else []
                for run, mine in zip((other, build), attempts[::-1], strict=True)
            ]
            change = log_change(stage.key, stream, *lines)
            if change is not None:
                changes.append(change)
    return changes


def counted_of(store: Store, build: Run) -> list[StageRow]:
    """Stages that the result of a build is about."""
    return counted_stages(runs.stages_of(store, build.number), build.result_attempt)


def _last_lines(store: Store, key: LogKey) -> list[str]:
    end = logs.line_count(store, key)
    return logs.read_lines(store, key, max(0, end - MAX_READ_LINES)) if end else []


def _findings(store: Store, build: Run, stages: Sequence[StageRow]) -> list[FindingRow]:
    """Findings of stages, each once, the worst first; infos are none."""
    told = merged(of_stages(runs.findings_of(store, build.number), stages))
    return [each.row for each in told if each.row.severity is not Severity.INFO]


def _split(
    found: Iterable[FindingRow], others: Iterable[FindingRow]
) -> tuple[tuple[FindingRow, ...], tuple[FindingRow, ...]]:
    """Findings that others do not have, and those that they have; one that moved is the same."""
    known = Counter(map(identity, others))
    new: list[FindingRow] = []
    same: list[FindingRow] = []
    for row in found:
        if known[identity(row)] > 0:
            known[identity(row)] -= 1
            same.append(row)
        else:
            new.append(row)
    return tuple(new), tuple(same)


def _changed_tests(now: Sequence[TestResult], then: Sequence[TestResult]) -> Iterator[TestChange]:
    """Tests that ended differently, those that fail now first."""
    after, before = _by_name(now), _by_name(then)
    changes = [
        TestChange(
            name,
            _worst(before.get(name, ())),
            _worst(after.get(name, ())),
            tuple(each.place for each in after.get(name) or before[name]),
        )
        for name in dict.fromkeys((*after, *before))
    ]
    changed = (each for each in changes if each.before is not each.after)
    yield from sorted(changed, key=lambda each: (each.after is not Outcome.FAIL, each.name))


def _by_name(results: Iterable[TestResult]) -> dict[str, list[TestResult]]:
    found: dict[str, list[TestResult]] = {}
    for each in results:
        found.setdefault(each.name, []).append(each)
    return found


def _worst(results: Iterable[TestResult]) -> Outcome | None:
    return worst_of(each.outcome for each in results)


def _times(stages: Sequence[StageRow], others: Sequence[StageRow]) -> tuple[StageTimes, ...]:
    now, then = ({row.key: row.seconds for row in rows} for rows in (stages, others))
    return tuple(
        StageTimes(key, now.get(key), then.get(key)) for key in dict.fromkeys((*now, *then))
    )
