"""Runs that another version of espdeck began go on with this one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.enums import RunKind, RunStatus, StageStatus
from engine.errors import UsageError
from engine.runs import queue, serialization
from engine.store import runs as store_runs
from engine.store.database import Store
from engine.tasks.request import TaskRequest
from engine.workspace import workspace_id

pytestmark = [pytest.mark.xdist_group("versions"), pytest.mark.slow]

ORDER = TaskRequest(workflow="code_review", text="int main;", model="placeholder")


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace with a run that an older version asked for, and did not begin."""
    settings = Settings(workspace=tmp_path)
    with Engine(settings) as engine:
        engine.wait_ready()
        engine.tasks.wait(engine.tasks.start(ORDER).number, timeout=60)
    store = Store(tmp_path / "espdeck.db")
    store_runs.requeue_run(store, 1, "old", repeated=store_runs.stages_of(store, 1))
    store.close()
    client = queue.RunQueue(tmp_path / "runs.db", workspace_id(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(queue, "APPLICATION_VERSION", "0")
        client.enqueue(RunKind.TASK, "old", 1)
    client.close()
    yield tmp_path


def test_a_run_that_another_version_did_not_begin_goes_on(older: Path) -> None:
    with Engine(Settings(workspace=older)) as engine:
        run = engine.tasks.wait(1, timeout=60)

    assert run.status is RunStatus.SUCCESS


def test_a_run_that_another_version_began_is_carried_out_from_its_start(older: Path) -> None:
    store = Store(older / "espdeck.db")
    store_runs.start_run(store, 1)
    store.close()

    with Engine(Settings(workspace=older)) as engine:
        run = engine.tasks.wait(1, timeout=60)
        stages = engine.tasks.stages(1)

    assert (run.status, run.error) == (RunStatus.SUCCESS, "")
    assert all(stage.status is StageStatus.SUCCESS for stage in stages)


def test_a_stage_that_another_version_ran_is_not_retried_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine(Settings(workspace=tmp_path)) as engine:
        engine.tasks.wait(engine.tasks.start(ORDER).number, timeout=60)
        last = engine.tasks.stages(1)[-1].key
        with monkeypatch.context() as patch:
            patch.setattr(queue, "APPLICATION_VERSION", "99")
            with pytest.raises(UsageError, match=r"another version .* retry all of it") as told:
                engine.tasks.retry(1, last)
        assert "\n" not in str(told.value)
        assert engine.tasks.get(1).status is RunStatus.SUCCESS

        # In a format that this version cannot read, though its application version is the same.
        monkeypatch.setattr(serialization, "FORMAT", 99)
        before = engine.tasks.stages(1)[0]
        run = engine.tasks.wait(engine.tasks.retry(1, last).number, timeout=60)
        stages = engine.tasks.stages(1)
        repeated = next(row for row in stages if row.key == before.key and row.attempt > 1)

    assert before.started_at is not None and repeated.started_at is not None
    assert (run.status, run.error) == (RunStatus.SUCCESS, "")
    assert repeated.started_at > before.started_at
    assert all(row.superseded for row in stages if row.attempt < repeated.attempt)
