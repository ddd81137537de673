"""What is measured of one build that has ended, from what it left in the store and on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.builds import compile_times
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.builds.test_results import (
    MAX_NAME_CHARACTERS,
    TestResult,
    reports_of,
    results_of,
    tally_of,
)
from engine.enums import ArtifactKind, Role, RunStatus, StageStatus
from engine.errors import UsageError
from engine.images import image_file
from engine.metrics.names import UNITS, MeasureName
from engine.store.attempts import counted_stages, of_stages
from engine.store.measures import RunRecord
from engine.store.tables import FindingRow, RunMeasure, StageRow
from engine.testing.results import Outcome

MAX_FILES = 50
"""Source files of a build whose compile time is kept, the slowest."""

MAX_TESTS = 500
"""Tests of a build that are kept: those that failed first, then the slowest."""

MAX_REGIONS = 40
"""Memories and partitions of a build that are kept."""

NO_STAGE = "-"
"""Stage of a build that failed outside of all: its commit was not to be had, or it was lost."""

_CODE = re.compile(r"\S+")
_SUCCESS = StageStatus.SUCCESS


def measure(record: RunRecord) -> list[RunMeasure]:
    """Every measure of a run.

    Args:
        record: what it left. Files are untrusted: what cannot be read is not measured.
    """
    return list(_measures(record))


def _measures(record: RunRecord) -> Iterator[RunMeasure]:
    number = record.run_id

    def row(
        name: MeasureName, value: float, label: str = "", detail: list[Any] | None = None
    ) -> RunMeasure:
        return RunMeasure(
            run_id=number,
            name=name,
            label=label[:MAX_NAME_CHARACTERS],
            unit=UNITS.get(name, ""),
            value=value,
            detail=detail,
        )

    yield row(MeasureName.RECORDED, 1)
    yield row(MeasureName.ATTEMPTS, attempts_of(record.stages))
    if record.status is RunStatus.FAILED:
        stages = counted_stages(record.stages, record.result_attempt)
        yield row(MeasureName.FAILURE, 1, " ".join(failure_of(stages, record.errors)))
    sizes, used, total = _sizes(record)
    if sizes is not None:
        yield row(MeasureName.IMAGE_SIZE, sizes)
    for name, value in used.items():
        yield row(MeasureName.MEMORY_USED, value, name)
    for name, value in total.items():
        yield row(MeasureName.MEMORY_SIZE, value, name)
    times = _compile_times(record)
    if times is not None:
        slowest = [
            [name[-MAX_NAME_CHARACTERS:], round(seconds, 3)]
            for name, seconds in list(times.files.items())[:MAX_FILES]
        ]
        yield row(MeasureName.COMPILE_TIME, times.seconds, detail=slowest)
        yield row(MeasureName.COMPILED_FILES, len(times.files))
    reports = reports_of(record.test_results)
    if not reports:
        return
    results = results_of(reports)
    counted = tally_of(reports)
    kept = [[each.place, each.name, each.outcome, each.seconds] for each in _bounded(results)]
    yield row(MeasureName.TESTS, counted.tests, detail=kept)
    yield row(MeasureName.TESTS_PASSED, counted.passed)
    yield row(MeasureName.TESTS_FAILED, counted.failures)
    yield row(MeasureName.TESTS_IGNORED, counted.ignored)
    timed = [each.seconds for each in results if each.seconds is not None]
    if timed:
        yield row(MeasureName.TEST_TIME, round(sum(timed), 3))


def attempts_of(stages: Sequence[StageRow]) -> int:
    """How often a build was tried since it was asked for last: once, and after each repair."""
    repairs = {stage.key for stage in FIRMWARE_PIPELINE.stages if stage.back_to}
    last = max((each.attempt for each in stages), default=0)
    repaired = [
        each
        for each in stages
        if each.key in repairs and each.status is _SUCCESS and each.attempt < last
    ]
    return len(repaired) + 1 if stages else 0


def failure_of(stages: Sequence[StageRow], errors: Sequence[FindingRow]) -> tuple[str, str]:
    """What a build failed of: the first stage that failed, and the code.

    The code is that of the stage's first error; where the firmware failed a test, of the first
    error of the diagnosis, which says why. Repairs do not count: what they could not repair does.

    Args:
        stages: that count.
        errors: of any stage.

    Returns:
        Stage and code; :data:`NO_STAGE` where no stage failed, and as code where none is known.
    """
    failed = {row.key for row in stages if row.status is StageStatus.FAILED}
    counted = of_stages(errors, stages)
    for stage in FIRMWARE_PIPELINE.stages:
        if stage.key not in failed or stage.back_to:
            continue
        own = [stage.key]
        if stage.role is Role.TESTER:
            doctors = (each.key for each in FIRMWARE_PIPELINE.stages if each.role is Role.DOCTOR)
            own = [*doctors, stage.key]
        for key in own:
            told = [row for row in counted if row.stage == key]
            if told:
                # Errors that name their place come first, then in the order of the tool.
                first = min(told, key=lambda row: (row.rank, row.id or 0))
                code = _CODE.match(first.code)
                return stage.key, code[0] if code else NO_STAGE
        return stage.key, NO_STAGE
    return NO_STAGE, NO_STAGE


def _sizes(record: RunRecord) -> tuple[int | None, dict[str, int], dict[str, int]]:
    """Bytes of the app, and what is used and there of each memory."""
    kept = record.artifacts.get(image_file.FILE_NAME)
    if kept is None:
        return None, {}, {}
    try:
        image = image_file.read(Path(record.folder) / kept.path)
        app = next((part.path for part in image.parts if part.kind is ArtifactKind.APP), None)
        size = app.stat().st_size if app is not None else None
    except (OSError, UsageError):
        return None, {}, {}
    regions = image.regions[:MAX_REGIONS]
    used = {each.name[:MAX_NAME_CHARACTERS]: each.used for each in regions}
    total = {each.name[:MAX_NAME_CHARACTERS]: each.total for each in regions if each.total}
    return size, used, {name: value for name, value in total.items() if value is not None}


def _compile_times(record: RunRecord) -> compile_times.CompileTimes | None:
    found = [
        times
        for path in sorted(record.artifacts)
        if compile_times.is_file_name(path)
        and (times := compile_times.read(Path(record.folder) / path)) is not None
    ]
    return compile_times.joined(found) if found else None


def _bounded(results: list[TestResult]) -> list[TestResult]:
    if len(results) <= MAX_TESTS:
        return results
    order = sorted(results, key=lambda each: (each.outcome is not Outcome.FAIL,
                                              -(each.seconds or 0.0)))  # fmt: skip
    return order[:MAX_TESTS]
