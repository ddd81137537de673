"""Statistics of one project: how its builds went, what they fail of, and how their numbers move."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.builds.test_results import test_result
from engine.enums import RunStatus
from engine.metrics.flaky import FlakyTest, TestedBuild, find_flaky
from engine.metrics.measure import NO_STAGE
from engine.metrics.names import UNITS, MeasureName
from engine.store import measures
from engine.store.database import Store
from engine.store.measures import BuildFacts, LabelCount
from engine.store.projects import ProjectStats
from engine.testing.results import Outcome

RECENT_BUILDS = 400
"""Newest builds of a project of which more is told than how many there are."""

NUMBERED_BUILDS = 50
"""Newest builds for a chip and configuration in which its newest numbers are looked for."""

FLAKY_BUILDS = 100
"""Newest builds with tests in which flaky tests are looked for."""

COMPILED_BUILDS = 50
"""Newest builds of which the compile time of a file is the last."""

SLOWEST_FILES = 10

TREND_BUILDS = 10
"""Builds whose mean is compared with the mean of as many before."""

MIN_TREND_BUILDS = 3
"""Builds of which a mean says something."""

WHOLE_BUILD_SHARE = 0.9
"""Part of the most source files that builds compiled from which on a build counts as a whole one:
the compile time of one that compiled two files of hundreds says nothing."""

DURATION = "duration"
"""Name of a build's duration among its measures; it is in the row of the build."""

_TRENDS = (
    MeasureName.IMAGE_SIZE,
    MeasureName.MEMORY_USED,
    MeasureName.COMPILE_TIME,
    MeasureName.TESTS,
    MeasureName.TEST_TIME,
)


@dataclass(frozen=True, slots=True)
class FailurePattern:
    """What builds of a project fail of.

    Args:
        stage: key of the stage that failed; ``-`` for none.
        code: of its finding; ``-`` where none says more.
        count: builds that failed so.
        since, last: when the first and the last of them ended.
        first_build, last_build: their numbers.
    """

    stage: str
    code: str
    count: int
    since: datetime | None
    last: datetime | None
    first_build: int
    last_build: int


@dataclass(frozen=True, slots=True)
class SlowFile:
    """A source file and how long its last compilation took, in seconds. Untrusted name."""

    file: str
    seconds: float
    build: int


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes in use of a memory or partition; ``size`` is None where not known."""

    name: str
    used: int
    size: int | None


@dataclass(frozen=True, slots=True)
class VariantMetrics:
    """The newest numbers of builds for one chip and configuration.

    Args:
        target, configuration: what it is built for.
        last_build: number of its newest build that ended.
        image_size: bytes of the app; None where no build has one. This and what follows are of the
            newest build that has it.
        memory: memories and partitions.
        compile_time: seconds, of the newest build that compiled nearly all source files;
            ``compiled_files`` says how many.
        tests, tests_passed, tests_failed, tests_ignored: how many.
        test_time: seconds.
    """

    target: str
    configuration: str
    last_build: int
    image_size: int | None
    memory: tuple[MemoryUse, ...]
    compile_time: float | None
    compiled_files: int | None
    tests: int | None
    tests_passed: int | None
    tests_failed: int | None
    tests_ignored: int | None
    test_time: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """How a number moves: the mean of the newest builds beside that of as many before.

    Args:
        name, label, unit: of the measure.
        target, configuration: what the builds are for.
        mean, before: of the two groups.
        builds: in each group.
    """

    name: str
    label: str
    unit: str
    target: str
    configuration: str
    mean: float
    before: float
    builds: int

    @property
    def change(self) -> float | None:
        """Percent by which it grew; None from nothing."""
        return 100 * (self.mean - self.before) / self.before if self.before else None


@dataclass(frozen=True, slots=True)
class ProjectMetrics:
    """Everything that is known of a project's builds.

    Args:
        project_id, name: of the project.
        stats: how its builds went.
        last: its newest build that succeeded or failed, None before the first.
        median_duration: seconds, of the newest :data:`RECENT_BUILDS`; says more than the average
            where few builds take long.
        failures: what they fail of, the most frequent first.
        flaky: tests that cannot be trusted.
        slow_files: whose compilation takes longest.
        variants: newest numbers by chip and configuration, of those that were built lately.
        trends: of the chip and configuration that was built last.
    """

    project_id: uuid.UUID
    name: str
    stats: ProjectStats
    last: BuildFacts | None
    median_duration: float | None
    failures: tuple[FailurePattern, ...]
    flaky: tuple[FlakyTest, ...]
    slow_files: tuple[SlowFile, ...]
    variants: tuple[VariantMetrics, ...]
    trends: tuple[Trend, ...]


def project_metrics(
    store: Store,
    project: tuple[uuid.UUID, str],
    stats: ProjectStats,
    labels: Sequence[LabelCount],
) -> ProjectMetrics:
    """Statistics of a project.

    Args:
        project: its id and name.
        stats: how its builds went.
        labels: how often they failed of what.
    """
    project_id, name = project
    builds = measures.builds(store, project_id, limit=RECENT_BUILDS)
    ended = [build for build in builds if build.status.is_final]
    newest = [each for some in _by_variant(ended).values() for each in some[-NUMBERED_BUILDS:]]
    numbers = _Numbers(store, newest)
    for some in _by_variant(newest).values():
        numbers.drop_small_compilations(some)
    judged = [build for build in ended if build.status is not RunStatus.CANCELLED]
    durations = [build.duration for build in judged if build.duration is not None]
    return ProjectMetrics(
        project_id=project_id,
        name=name,
        stats=stats,
        last=judged[-1] if judged else None,
        median_duration=_median(durations),
        failures=tuple(map(_pattern, labels)),
        flaky=find_flaky(_tested(store, project_id, builds)),
        slow_files=_slow_files(store, project_id),
        variants=_variants(ended, numbers),
        trends=tuple(_trends(ended, numbers)),
    )


class _Numbers:
    """The measures of some builds."""

    def __init__(self, store: Store, builds: Sequence[BuildFacts]) -> None:
        self.of: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        for number, name, label, value in measures.values_of(store, [b.number for b in builds]):
            self.of[name, label][number] = value

    def drop_small_compilations(self, builds: Sequence[BuildFacts]) -> None:
        """Forget compile times of builds for one chip that did not compile (nearly) all files."""
        files = self.of.get((MeasureName.COMPILED_FILES, ""), {})
        numbers = [build.number for build in builds if build.number in files]
        most = max((files[number] for number in numbers), default=0.0)
        for number in numbers:
            if files[number] < WHOLE_BUILD_SHARE * most:
                del files[number]
                self.of.get((MeasureName.COMPILE_TIME, ""), {}).pop(number, None)

    def labels(self, name: str) -> list[str]:
        """The labels of a measure, in order."""
        return sorted(label for known, label in self.of if known == name)

    def newest(self, name: str, builds: Sequence[BuildFacts], label: str = "") -> float | None:
        """The value of the newest build that has one."""
        known: Mapping[int, float] = self.of.get((name, label), {})
        return next((known[each.number] for each in reversed(builds) if each.number in known), None)


def _pattern(label: LabelCount) -> FailurePattern:
    stage, _, code = label.label.partition(" ")
    return FailurePattern(
        stage=stage,
        code=code or NO_STAGE,
        count=label.count,
        since=label.since,
        last=label.until,
        first_build=label.first,
        last_build=label.last,
    )


def _tested(store: Store, project_id: uuid.UUID, builds: Sequence[BuildFacts]) -> list[TestedBuild]:
    """The newest builds with those of their tests that failed in one of them."""
    tested = measures.details(store, MeasureName.TESTS, project_id, limit=FLAKY_BUILDS)
    failing = {(row[0], row[1]) for _, rows in tested for row in rows if row[2] == Outcome.FAIL}
    if not failing:
        return []
    since = tested[0][0]
    attempts = {
        number: value
        for number, _, _, value in measures.values(
            store, [MeasureName.ATTEMPTS], project_id, since=since
        )
    }
    of_number = {build.number: build for build in builds}
    return [
        TestedBuild(
            number,
            "" if attempts.get(number, 1) > 1 else of_number[number].commit_sha,
            of_number[number].variant,
            tuple(test_result(row) for row in rows if (row[0], row[1]) in failing),
        )
        for number, rows in tested
        if number in of_number
    ]


def _slow_files(store: Store, project_id: uuid.UUID) -> tuple[SlowFile, ...]:
    last: dict[str, SlowFile] = {}
    for number, rows in measures.details(
        store, MeasureName.COMPILE_TIME, project_id, limit=COMPILED_BUILDS
    ):
        for file, seconds in rows:
            last[file] = SlowFile(file, seconds, number)
    slowest = sorted(last.values(), key=lambda each: (-each.seconds, each.file))
    return tuple(slowest[:SLOWEST_FILES])


def _by_variant(builds: Sequence[BuildFacts]) -> dict[tuple[str, str], list[BuildFacts]]:
    found: dict[tuple[str, str], list[BuildFacts]] = defaultdict(list)
    for build in builds:
        found[build.variant].append(build)
    return found


def _variants(ended: Sequence[BuildFacts], numbers: _Numbers) -> tuple[VariantMetrics, ...]:
    found = []
    for (target, configuration), builds in sorted(_by_variant(ended).items()):
        memory = [
            MemoryUse(label, int(used), _whole(size))
            for label in numbers.labels(MeasureName.MEMORY_USED)
            if (used := numbers.newest(MeasureName.MEMORY_USED, builds, label)) is not None
            for size in [numbers.newest(MeasureName.MEMORY_SIZE, builds, label)]
        ]

        def newest(name: MeasureName, builds: Sequence[BuildFacts] = builds) -> float | None:
            return numbers.newest(name, builds)

        found.append(
            VariantMetrics(
                target=target,
                configuration=configuration,
                last_build=builds[-1].number,
                image_size=_whole(newest(MeasureName.IMAGE_SIZE)),
                memory=tuple(memory),
                compile_time=newest(MeasureName.COMPILE_TIME),
                compiled_files=_whole(newest(MeasureName.COMPILED_FILES)),
                tests=_whole(newest(MeasureName.TESTS)),
                tests_passed=_whole(newest(MeasureName.TESTS_PASSED)),
                tests_failed=_whole(newest(MeasureName.TESTS_FAILED)),
                tests_ignored=_whole(newest(MeasureName.TESTS_IGNORED)),
                test_time=newest(MeasureName.TEST_TIME),
            )
        )
    return tuple(found)


def _trends(ended: Sequence[BuildFacts], numbers: _Numbers) -> list[Trend]:
    if not ended:
        return []
    target, configuration = ended[-1].variant
    builds = _by_variant(ended)[ended[-1].variant]
    series: dict[tuple[str, str], list[float]] = {
        (DURATION, ""): [each.duration for each in builds if each.duration is not None]
    }
    for name in _TRENDS:
        for label in numbers.labels(name):
            known = numbers.of[name, label]
            series[name, label] = [known[each.number] for each in builds if each.number in known]
    found = []
    for (known_as, label), values in series.items():
        size = min(TREND_BUILDS, len(values) // 2)
        if size < MIN_TREND_BUILDS:
            continue
        unit = "s" if known_as == DURATION else UNITS.get(MeasureName(known_as), "")
        found.append(
            Trend(
                known_as, label, unit, target, configuration,
                mean=_mean(values[-size:]),
                before=_mean(values[-2 * size : -size]),
                builds=size,
            )
        )  # fmt: skip
    return found


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _median(values: Sequence[float]) -> float | None:
    if not values:
        return None
    ordered, middle = sorted(values), len(values) // 2
    return _mean(
        ordered[middle : middle + 1] if len(values) % 2 else ordered[middle - 1 : middle + 1]
    )
