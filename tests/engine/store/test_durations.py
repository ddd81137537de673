"""How long things took is never negative, whatever the clock was set to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.enums import Role, RunStatus, StageStatus
from engine.store import projects, runs
from engine.store.database import Store
from engine.store.tables import Project, Run, StageRow

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "espdeck.db")


def started(store: Store, at: datetime) -> int:
    project = Project(name="blink", source="x", branch="main", target="esp32c3", clone_path="x")
    build = Run(
        project_id=projects.add_project(store, project).id,
        commit_sha="0" * 40, commit_message="", commit_author="", branch="main",
        target="esp32c3", board="none", started_at=at,
    )  # fmt: skip
    return runs.add_run(store, build).number


def stage(number: int, key: str, start: float, end: float, status: StageStatus) -> StageRow:
    """A stage from so many minutes after noon to so many."""
    return StageRow(
        run_id=number, key=key, agent=Role.BUILDER, phase="build", attempt=1, status=status,
        started_at=NOON + timedelta(minutes=start), completed_at=NOON + timedelta(minutes=end),
    )  # fmt: skip


def test_a_run_that_was_interrupted_took_the_time_in_which_its_stages_worked(store: Store) -> None:
    number = started(store, NOON)
    done = StageStatus.SUCCESS
    for row in (
        stage(number, "plan", 0, 1, done),
        # Espdeck was ended here, and opened again the next day.
        stage(number, "build", 1440, 1443, done),
        stage(number, "test.board", 1443, 1447, done),
        stage(number, "test.simulator", 1443, 1445, StageStatus.FAILED),
        stage(number, "judge", 1447, 1448, done),
    ):
        runs.put_stage(store, row)

    build = runs.finish_run(store, number, status=RunStatus.FAILED)
    assert build is not None

    assert build.duration == (1 + 3 + 4 + 1) * 60


def test_an_interrupted_retry_took_no_time_of_what_it_took_over(store: Store) -> None:
    number = started(store, NOON)
    for key, end in (("build", 5), ("judge", 6)):
        runs.put_stage(store, stage(number, key, 0, end, StageStatus.SUCCESS))
    runs.finish_run(store, number, status=RunStatus.FAILED, took=360)
    judged = stage(number, "judge", 0, 6, StageStatus.SUCCESS)
    runs.requeue_run(store, number, "anew", first=judged, repeated=[judged], repeats={})
    runs.start_run(store, number)
    again = stage(number, "judge", 60, 61, StageStatus.SUCCESS)
    again.attempt = 2
    runs.put_stage(store, again)

    build = runs.finish_run(store, number, status=RunStatus.FAILED)
    assert build is not None and build.duration == 60


def test_a_run_that_was_lost_took_what_is_known(store: Store) -> None:
    number = started(store, NOON)
    runs.put_stage(store, stage(number, "plan", 0, 1, StageStatus.SUCCESS))
    runs.put_stage(store, stage(number, "build", 1, 1, StageStatus.RUNNING))

    ended = runs.finish_run(store, number, status=RunStatus.FAILED)
    assert ended is not None and ended.duration == 60


def test_a_run_that_was_lost_before_a_stage_ended_spoils_no_average(store: Store) -> None:
    lost = started(store, datetime.now(UTC) - timedelta(days=3))
    project_id = runs.get_run(store, lost).project_id
    assert project_id is not None
    measured = runs.add_run(store, Run(project_id=project_id, started_at=NOON)).number

    ended = runs.finish_run(store, lost, status=RunStatus.FAILED)
    assert ended is not None and ended.duration is None
    runs.finish_run(store, measured, status=RunStatus.SUCCESS, took=4.0)

    assert projects.project_stats(store, project_id).average_duration == 4.0


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=20000)])
def test_a_clock_that_was_set_back_makes_no_negative_duration(
    store: Store, step: timedelta
) -> None:
    number = started(store, datetime.now(UTC) + step)
    runs.put_stage(store, stage(number, "plan", 5, 0, StageStatus.SUCCESS))

    build = runs.finish_run(store, number, status=RunStatus.SUCCESS)

    assert build is not None and build.duration == 0


@pytest.mark.parametrize("days", [-1, 1, 20000])
def test_what_was_measured_counts_whatever_the_clock_says(store: Store, days: int) -> None:
    number = started(store, datetime.now(UTC) - timedelta(days=days))

    build = runs.finish_run(store, number, status=RunStatus.SUCCESS, took=2.5)

    assert build is not None and build.started_at is not None
    assert build.duration == 2.5
    assert build.completed_at == build.started_at + timedelta(seconds=2.5)


@pytest.mark.parametrize(("passed", "seconds"), [(1.5, 1.5), (-86400, 0)])
def test_a_stage_took_no_less_than_nothing(passed: float, seconds: float) -> None:
    row = StageRow(
        run_id=1, key="compile", agent=Role.BUILDER, phase="build", attempt=1,
        status=StageStatus.SUCCESS, started_at=NOON, completed_at=NOON + timedelta(seconds=passed),
    )  # fmt: skip

    assert row.seconds == seconds


def test_a_stage_that_did_not_end_took_nothing_that_anybody_knows() -> None:
    row = StageRow(
        run_id=1, key="compile", agent=Role.BUILDER, phase="build", attempt=1,
        status=StageStatus.RUNNING, started_at=NOON,
    )  # fmt: skip

    assert row.seconds is None


def test_who_was_overtaken_by_a_retry_or_an_end_writes_nothing(store: Store) -> None:
    number = started(store, datetime.now(UTC))
    before = runs.get_run(store, number).workflow_id
    runs.finish_run(store, number, status=RunStatus.CANCELLED, workflow_id=before)
    late = runs.finish_run(store, number, status=RunStatus.FAILED, workflow_id=before)
    runs.requeue_run(store, number, "anew", repeated=())
    overtaken = runs.finish_run(store, number, status=RunStatus.CANCELLED, workflow_id=before)

    assert (late, overtaken) == (None, None)
    assert runs.get_run(store, number).status is RunStatus.PENDING
