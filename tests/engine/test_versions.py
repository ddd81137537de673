"""Runs that another version of espdeck began: they end, and say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.enums import RunKind, RunStatus
from engine.runs import queue
from engine.store import projects
from engine.store import runs as store_runs
from engine.store.database import Store
from engine.store.tables import Project, Run
from engine.workspace import workspace_id


@pytest.mark.xdist_group("versions")
def test_a_run_of_another_version_ends_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(workspace=tmp_path)
    with Engine(settings) as engine:
        engine.wait_ready()
    store = Store(tmp_path / "espdeck.db")
    project = projects.add_project(store, Project(name="p", source="/p", target="esp32c3"))
    number = store_runs.add_run(
        store,
        Run(project_id=project.id, workflow_id="old"),
    ).number
    store.close()
    client = queue.RunQueue(tmp_path / "runs.db", workspace_id(tmp_path))
    monkeypatch.setattr(queue, "APPLICATION_VERSION", "0")
    client.enqueue(RunKind.FIRMWARE, "old", number)
    client.close()
    monkeypatch.undo()

    with Engine(settings) as engine:
        build = engine.builds.wait(number, timeout=20)

    assert build.status is RunStatus.FAILED
    assert build.error == "lost: another version of espdeck began it, start it again"
