"""Handlers of finished runs and checks, as files of the settings folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import Engine, Settings, TaskRequest
from engine.enums import CheckStatus
from engine.events import CheckCompleted, Problem
from tests.waits import wait_for

pytestmark = pytest.mark.slow

WRITES = """
import json
from pathlib import Path


class Note:
    def handle(self, event):
        with open({path!r}, "a") as file:
            file.write(json.dumps(event) + "\\n")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = tmp_path / "config.toml"
    settings.write_text("")
    settings.chmod(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", str(settings))
    folder = tmp_path / "handlers"
    folder.mkdir()
    return folder


def test_a_handler_is_given_runs_and_checks_that_ended_and_nothing_else(
    tmp_path: Path, folder: Path
) -> None:
    notes = tmp_path / "notes"
    (folder / "note.py").write_text(WRITES.format(path=str(notes)))
    (folder / "_part.py").write_text("raise SystemExit('never loaded')")

    with Engine(Settings(workspace=tmp_path / "workspace")) as engine:
        order = TaskRequest(workflow="free_task", description="x", model="placeholder")
        engine.wait_ready()
        engine.tasks.wait(engine.tasks.start(order).number, timeout=60)
        engine.events.publish(Problem(message="no such event is handled"))
        engine.events.publish(
            CheckCompleted(
                result_id=1,
                check="doc_check",
                project_id="",
                project="",
                status=CheckStatus.ERROR,
                message="x",
                duration=0.5,
            )
        )
        wait_for(lambda: notes.exists() and notes.read_text().count("\n") == 2)

    events = {each["event"]: each for each in map(json.loads, notes.read_text().splitlines())}
    assert set(events) == {"workflow.completed", "check.completed"}
    assert events["workflow.completed"]["status"] == "success"
    assert (events["check.completed"]["check"], events["check.completed"]["status"]) == (
        "doc_check",
        "error",
    )


def test_one_that_fails_harms_no_other_and_is_a_line_of_the_log(
    tmp_path: Path, folder: Path
) -> None:
    notes = tmp_path / "notes"
    (folder / "a_broken.py").write_text("class A:\n    def handle(self, event): 1 / 0\n")
    (folder / "b_empty.py").write_text("")
    (folder / "c_note.py").write_text(WRITES.format(path=str(notes)))
    log = tmp_path / "workspace" / "espdeck.log"

    with Engine(Settings(workspace=tmp_path / "workspace")) as engine:
        engine.wait_ready()
        order = TaskRequest(workflow="free_task", description="x", model="placeholder")
        engine.tasks.wait(engine.tasks.start(order).number, timeout=60)
        wait_for(lambda: notes.exists() and log.exists() and "b_empty" in log.read_text())

    said = log.read_text()
    assert "handler a_broken: ZeroDivisionError: division by zero" in said
    assert "has 0 classes with handle, not 1" in said
