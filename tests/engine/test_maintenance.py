"""What an executor does for its workspace by itself, and what ``gc`` does."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.cancel import CancelToken
from engine.enums import RunKind, RunStatus
from engine.events import Event, Problem
from engine.store import projects
from engine.store import runs as store_runs
from engine.store.backup_writer import make_backup
from engine.store.backups import backups
from engine.store.database import Store
from engine.store.tables import Project, Run
from engine.tasks.request import TaskRequest
from tests.tui.commands import Here
from tests.waits import wait_for

ORDER = TaskRequest(workflow="free_task", description="x", model="placeholder")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(Settings(workspace=tmp_path))
    engine.open(execute=False)
    yield engine
    engine.close()


def change(workspace: Path) -> None:
    """Write something into the store, tomorrow."""
    with sqlite3.connect(workspace / "espdeck.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    tomorrow = datetime.now(UTC).timestamp() + 86400
    os.utime(workspace / "espdeck.db", (tomorrow, tomorrow))


@pytest.mark.parametrize("ago", [timedelta(days=1, hours=1), timedelta(days=-400)])
def test_a_backup_is_made_once_a_day_when_something_changed(
    engine: Engine, tmp_path: Path, ago: timedelta
) -> None:
    engine.maintenance.once(CancelToken())
    engine.maintenance.once(CancelToken())
    (first,) = backups(tmp_path)

    made = datetime.now(UTC) - ago  # or while the clock was wrong
    first.folder.rename(first.folder.with_name(f"{made:%Y%m%dT%H%M%SZ}-{first.version}"))
    change(tmp_path)
    engine.maintenance.once(CancelToken())

    assert len(backups(tmp_path)) == 2


def test_a_backup_is_made_though_the_last_one_is_of_the_future(
    engine: Engine, tmp_path: Path
) -> None:
    future = datetime.now(UTC) + timedelta(days=1000)
    make_backup(tmp_path, now=future)

    engine.maintenance.once(CancelToken())

    newest, wrong = backups(tmp_path)
    assert newest.made < future == wrong.made.replace(microsecond=future.microsecond)


def test_damage_is_said_before_somebody_meets_it(engine: Engine, tmp_path: Path) -> None:
    said: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Problem):
            said.append(event.message)

    engine.events.subscribe(hear)
    (tmp_path / "runs.db").write_bytes(b"no database " * 1000)

    engine.maintenance.once(CancelToken())

    assert "damaged (" in said[0]
    assert "runs.db" in said[0]
    assert backups(tmp_path) == ()


@pytest.mark.slow
def test_what_would_go_is_said_and_then_goes(tmp_path: Path) -> None:
    store = Store(tmp_path / "espdeck.db")
    project = projects.add_project(store, Project(name="p", source="/src", target="esp32c3"))
    old = datetime.now(UTC) - timedelta(days=1000)
    values: dict[str, Any] = {"project_id": project.id, "completed_at": old, "created_at": old}
    number = store_runs.add_run(store, Run(status=RunStatus.FAILED, **values)).number
    store.close()
    here = Here(tmp_path)

    planned = here.says("gc", "--dry-run").splitlines()
    assert planned[0].startswith(f"firmware #{number}, ended {old:%Y-%m-%d}: ")
    assert planned[-1].startswith("would free: ")
    assert f"#{number}" in here.says("builds")
    gone = here.says("gc", "--json").splitlines()
    assert f'"run": {number}' in gone[0]

    assert f"#{number}" not in here.says("builds")
    assert here.says("gc", "--dry-run") == "would free: 0 B\n"


@pytest.mark.slow
@pytest.mark.xdist_group("upkeep")
def test_steps_of_runs_that_are_gone_go(tmp_path: Path) -> None:
    with Engine(Settings(workspace=tmp_path)) as engine:
        gone, kept = (engine.tasks.wait(engine.tasks.start(ORDER).number, 60) for _ in range(2))
        engine.maintenance._retention._runs.forget(datetime.now(UTC), {kept.workflow_id})

    with sqlite3.connect(tmp_path / "runs.db") as connection:
        runs = {row[0] for row in connection.execute("SELECT workflow_uuid FROM workflow_status")}
        steps = {
            row[0] for row in connection.execute("SELECT workflow_uuid FROM operation_outputs")
        }
    connection.close()
    assert gone.kind is RunKind.TASK
    assert runs == steps == {kept.workflow_id}


@pytest.mark.slow
@pytest.mark.xdist_group("upkeep")
def test_what_the_clock_started_goes_a_day_later_whatever_is_kept_of_runs(tmp_path: Path) -> None:
    with Engine(Settings(workspace=tmp_path, run_days=0)) as engine:
        run = engine.tasks.wait(engine.tasks.start(ORDER).number, 60)
        engine.maintenance._retention._runs.enqueue_check("git_check", "")
        both = {run.workflow_id: "SUCCESS", "check": "SUCCESS"}
        wait_for(lambda: statuses(tmp_path) == both)
        engine.maintenance._retention.drop(cancel=CancelToken())
        assert set(statuses(tmp_path)) == {run.workflow_id, "check"}
        tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
        engine.maintenance._retention.drop(now=tomorrow, cancel=CancelToken())
        assert set(statuses(tmp_path)) == {run.workflow_id}


def statuses(workspace: Path) -> dict[str, str]:
    """How durable runs are, by their ids; that of a check is random."""
    query = (
        "SELECT iif(name = 'espdeck.check', 'check', workflow_uuid), status FROM workflow_status"
    )
    with contextlib.closing(sqlite3.connect(workspace / "runs.db")) as connection:
        return dict(connection.execute(query).fetchall())
