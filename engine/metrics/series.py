"""Numbers of a project's builds, one after another: what a chart draws."""

from __future__ import annotations

import uuid
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.enums import RunStatus
from engine.metrics.names import UNITS, MeasureName
from engine.metrics.project_metrics import DURATION
from engine.store import measures
from engine.store.database import Store
from engine.store.measures import BuildFacts

SUCCESS_RATE = "success_rate"

RATE_BUILDS = 10
"""Builds that a point of the success rate counts: that build and those before."""

_DRAWN = (
    MeasureName.IMAGE_SIZE,
    MeasureName.MEMORY_USED,
    MeasureName.COMPILE_TIME,
    MeasureName.COMPILED_FILES,
    MeasureName.TESTS,
    MeasureName.TESTS_FAILED,
    MeasureName.TEST_TIME,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """What can be drawn.

    Args:
        name: of the measure, or ``duration`` or ``success_rate``.
        label: which of several, such as a memory; empty else. Untrusted.
        unit: ``s``, ``bytes``, ``%``, or empty for a number of things.
    """

    name: str
    label: str = ""
    unit: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return self.label if self.name == MeasureName.MEMORY_USED else self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Point:
    """The number of one build."""

    build: BuildFacts
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of builds, the oldest first; those without one are left out."""

    metric: Metric
    points: tuple[Point, ...]


ALWAYS = (Metric(DURATION, unit="s"), Metric(SUCCESS_RATE, unit="%"))
"""What can be drawn of every project."""


def known_metrics(store: Store, project_id: uuid.UUID) -> tuple[Metric, ...]:
    """What can be drawn over a project's builds: what some build has."""
    labels: dict[str, list[str]] = defaultdict(list)
    for name, label in measures.names(store, project_id):
        labels[name].append(label)
    return (
        *ALWAYS,
        *(Metric(name, label, UNITS.get(name, "")) for name in _DRAWN for label in labels[name]),
    )


def read_series(store: Store, project_id: uuid.UUID, metric: Metric, limit: int) -> Series:
    """A number of each build, of the newest ``limit`` that succeeded or failed."""
    builds = [
        build
        for build in measures.builds(store, project_id, limit=limit)
        if build.status in (RunStatus.SUCCESS, RunStatus.FAILED)
    ]
    if metric.name == DURATION:
        points = [Point(each, each.duration) for each in builds if each.duration is not None]
    elif metric.name == SUCCESS_RATE:
        points = list(_success_rates(builds))
    else:
        since = builds[0].number if builds else 0
        values = {
            number: value
            for number, _, label, value in measures.values(
                store, [metric.name], project_id, since=since
            )
            if label == metric.label
        }
        points = [Point(each, values[each.number]) for each in builds if each.number in values]
    return Series(metric, tuple(points))


def _success_rates(builds: Sequence[BuildFacts]) -> Iterator[Point]:
    """Percent that succeeded of each build and those before it, by chip and configuration."""
    newest: dict[tuple[str, str], deque[bool]] = defaultdict(lambda: deque(maxlen=RATE_BUILDS))
    for build in builds:
        seen = newest[build.variant]
        seen.append(build.status is RunStatus.SUCCESS)
        yield Point(build, 100 * sum(seen) / len(seen))
