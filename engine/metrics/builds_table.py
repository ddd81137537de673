"""Builds as rows of a table, one each, with their measures as columns: for CSV."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from engine.metrics.names import MeasureName
from engine.store import measures
from engine.store.database import Store
from engine.store.tables import Project

BuildRow = dict[str, str | float | None]
"""Values by the name of their column."""

_COLUMNS = {
    MeasureName.ATTEMPTS: "attempts",
    MeasureName.IMAGE_SIZE: "image_size_bytes",
    MeasureName.COMPILE_TIME: "compile_time_seconds",
    MeasureName.COMPILED_FILES: "compiled_files",
    MeasureName.TESTS: "tests",
    MeasureName.TESTS_PASSED: "tests_passed",
    MeasureName.TESTS_FAILED: "tests_failed",
    MeasureName.TESTS_IGNORED: "tests_ignored",
    MeasureName.TEST_TIME: "test_time_seconds",
}


def build_rows(
    store: Store, projects: Sequence[Project], project_id: uuid.UUID | None = None
) -> Iterator[BuildRow]:
    """Every build, the oldest first; every row has the same columns.

    Args:
        projects: that are known, for their names.
        project_id: only its builds; None for those of all.
    """
    names = {each.id: each.name for each in projects}
    of_build: dict[int, dict[str, str | float]] = defaultdict(dict)
    memories: dict[str, None] = {}
    wanted = [*_COLUMNS, MeasureName.FAILURE, MeasureName.MEMORY_USED]
    for number, name, label, value in measures.values(store, wanted, project_id):
        if name == MeasureName.FAILURE:
            stage, _, code = label.partition(" ")
            of_build[number] |= {"failure_stage": stage, "failure_code": code}
        elif name == MeasureName.MEMORY_USED:
            column = f"memory_{label}_bytes"
            memories[column] = None
            of_build[number][column] = int(value)
        else:
            column = _COLUMNS[MeasureName(name)]
            of_build[number][column] = value if column.endswith("_seconds") else int(value)
    columns = ("failure_stage", "failure_code", *_COLUMNS.values(), *sorted(memories))
    for build in measures.builds(store, project_id):
        known = of_build.get(build.number, {})
        yield {
            "build": build.number,
            "project": names.get(build.project_id, ""),
            "commit": build.commit_sha,
            "dirty": int(build.dirty),
            "target": build.target,
            "configuration": build.configuration,
            "triggered_by": str(build.triggered_by),
            "status": str(build.status),
            "started_at": _time(build.started_at),
            "completed_at": _time(build.completed_at),
            "duration_seconds": None if build.duration is None else round(build.duration, 3),
            **{column: known.get(column) for column in columns},
        }


def _time(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
