"""What version 0.1.0 left when it was killed in the midst of its work goes on with this one.

``tests/data/release-0.1.0`` has its databases as text (``sqlite3.Connection.iterdump``, with the
workspace's folder replaced), and the repository that it built from: build 1 had compiled and was
simulated, build 2 waited, task 3 had ended.
"""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings, StreamFilter
from engine.enums import RunStatus, StageStatus
from tests.engine.server.readers import kept_events
from tests.waits import wait_for

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data" / "release-0.1.0"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    source = tmp_path / "sources" / "hello"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(source))
    git(source, "fast-import", "--quiet", text=(DATA / "hello.export").read_text())
    git(source, "checkout", "--quiet", "main")
    for name in ("espdeck", "runs"):
        text = (DATA / f"{name}.sql").read_text().replace("@WORKSPACE@", str(tmp_path))
        with sqlite3.connect(tmp_path / f"{name}.db") as database:
            database.executescript(text)
    with sqlite3.connect(tmp_path / "espdeck.db") as database:
        (clone,) = database.execute("SELECT clone_path FROM project").fetchone()
    git(tmp_path, "clone", "--quiet", "--bare", str(source), clone)
    (tmp_path / "id").write_bytes((DATA / "id").read_bytes())
    return tmp_path


def git(folder: Path, *words: str, text: str = "") -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, input=text, text=True)


def test_a_killed_run_goes_on_and_what_waited_is_carried_out(workspace: Path) -> None:
    with Engine(Settings(workspace=workspace)) as engine:
        before = {row.key: row for row in engine.builds.stages(1)}
        first, second = (engine.builds.wait(number, timeout=90) for number in (1, 2))
        after = {row.key: row for row in engine.builds.stages(1)}
        task = engine.tasks.get(3)

        def events_of_first() -> list[dict[str, Any]]:
            return kept_events(engine, StreamFilter(run_id=1))

        # The row of a build says that it ended a moment before the journal writes the event.
        wait_for(lambda: any(each["type"] == "workflow.completed" for each in events_of_first()))
        events = events_of_first()

    assert (first.status, first.error) == (RunStatus.SUCCESS, "")
    assert (second.status, second.error) == (RunStatus.SUCCESS, "")
    assert (task.status, task.error) == (RunStatus.SUCCESS, "")
    assert before["build"].status is StageStatus.SUCCESS
    assert after["build"].completed_at == before["build"].completed_at
    assert after["test.simulator"].status is StageStatus.SUCCESS
    assert {each["type"] for each in events} >= {"workflow.started", "workflow.completed"}
    assert events[0]["timestamp"] < "2026-11-28T10:50" < events[-1]["timestamp"]
    assert [each["seq"] for each in events] == sorted(each["seq"] for each in events)
