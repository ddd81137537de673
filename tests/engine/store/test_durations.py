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


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=20000)])
def test_a_clock_that_was_set_back_makes_no_negative_duration(
    store: Store, step: timedelta
) -> None:
    number = started(store, datetime.now(UTC) + step)

    build = runs.finish_run(store, number, status=RunStatus.SUCCESS)

    assert build.duration == 0


@pytest.mark.parametrize("days", [-1, 1, 20000])
def test_what_was_measured_counts_whatever_the_clock_says(store: Store, days: int) -> None:
    number = started(store, datetime.now(UTC) - timedelta(days=days))

    build = runs.finish_run(store, number, status=RunStatus.SUCCESS, took=2.5)

    assert build.duration == 2.5
    assert build.started_at is not None
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
