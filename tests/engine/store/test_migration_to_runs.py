"""Version 0010: a store of before becomes one of runs, and artifacts learn who made them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from engine.enums import Role, RunStatus, StageStatus
from engine.events import Event, RunStarted, StageChanged
from engine.runs.journal import event_of
from engine.store import database, logs, runs
from engine.store.database import Store
from engine.store.tables import Artifact
from tests.engine.store.old_stores import TIME, old_store

STAGES = {
    1: (
        ("plan", 1, "success"),
        ("build", 1, "success"),
        ("judge", 1, "failed"),
        ("repair", 1, "success"),
        ("build", 2, "success"),
        ("judge", 2, "failed"),
        ("repair", 2, "failed"),
    ),
    2: (
        ("gather", 1, "success"),
        ("header", 1, "success"),
        ("source", 1, "success"),
        ("assemble", 1, "success"),
        ("gate", 1, "failed"),
        ("revise", 1, "success"),
        ("gate", 2, "failed"),
        ("revise", 2, "success"),
        ("gate", 3, "success"),
        ("revise", 3, "skipped"),
    ),
}
MADE = {
    1: {
        ("fw.elf", "elf"): ("build", 2),
        ("bootloader.bin", "bootloader"): ("build", 2),
        ("image.json", "report"): ("build", 2),
        ("project_description.json", "report"): ("build", 2),
        ("junit.xml", "report"): ("judge", 2),
        ("quality.json", "report"): ("judge", 2),
        ("fix.patch", "patch"): ("repair", 2),
        ("repair-1.md", "report"): ("repair", 1),
        ("repair-1.patch", "patch"): ("repair", 1),
        ("repair-2.md", "report"): ("repair", 2),
        ("of-a-plugin.txt", "document"): ("", 0),
    },
    2: {
        ("context.md", "report"): ("gather", 1),
        ("header.md", "document"): ("header", 1),
        ("files/header/led.h", "source"): ("header", 1),
        ("files/source/led.c", "source"): ("source", 1),
        ("files/source_2/led.c", "source"): ("", 0),
        ("assembled_code.md", "document"): ("assemble", 1),
        ("final/led.c", "source"): ("assemble", 1),
        ("quality.json", "report"): ("gate", 3),
        ("revise.md", "document"): ("revise", 1),
        ("revise-2.md", "document"): ("revise", 2),
        ("changes.patch", "patch"): ("revise", 2),
    },
}
EVENTS = (
    ("workflow.started", {"project": "p", "commit": "c", "target": "esp32c3", "resumed": False}),
    (
        "agent.status",
        {
            "agent": "BUILDER",
            "stage": "build",
            "phase": "build",
            "attempt": 1,
            "status": "error",
            "task": "cancelled",
        },
    ),
    ("of.another.version", {"what": "ever"}),
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The database of a version before, with a build that was repaired, and a task."""
    path = old_store(tmp_path / "espdeck.db", "0009")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO build (kind, commit_sha, commit_message, commit_author, branch, target,"
            " triggered_by, status, board, simulator, run_id, cancel_requested, build_output,"
            " artifacts_path, error, created_at) VALUES ('task', '', '', '', '', '', 'manual',"
            " 'failed', 'auto', 'auto', 'w', 0, '', '', '', ?)",
            (TIME,),
        )
        for number, stages in STAGES.items():
            connection.executemany(
                "INSERT INTO stage (build_id, key, agent, phase, attempt, status, summary)"
                f" VALUES ({number}, ?, 'A', 'p', ?, ?, '')",
                stages,
            )
        for number, made in MADE.items():
            connection.executemany(
                "INSERT INTO artifact (build_id, path, kind, size, sha256)"
                f" VALUES ({number}, ?, ?, 1, 'ab')",
                made,
            )
        connection.executemany(
            "INSERT INTO event (build_id, seq, kind, at, body, writer) VALUES (1, ?, ?, ?, ?, 'w')",
            [(seq, kind, TIME, json.dumps(body)) for seq, (kind, body) in enumerate(EVENTS, 1)],
        )
    return path


@pytest.mark.parametrize("number", list(MADE))
def test_artifacts_learn_which_stage_made_them(old: Path, number: int) -> None:
    store = Store(old)

    rows = runs.artifacts_of(store, number)

    found = {(each.path, each.kind.value): (each.stage, each.attempt) for each in rows}
    assert found == MADE[number]
    store.close()


def test_what_versions_before_wrote_is_read(old: Path) -> None:
    store = Store(old)

    read = [event_of(row) for row in logs.replay(store, 1)]

    assert [type(event) for event in read] == [RunStarted, StageChanged, type(None)]
    (changed,) = [event for event in read if isinstance(event, StageChanged)]
    assert (changed.run_id, changed.seq, changed.agent) == (1, 2, Role.BUILDER)
    assert changed.status is StageStatus.CANCELLED
    (started,) = [event for event in read if isinstance(event, RunStarted)]
    assert isinstance(started, Event)
    assert started.project == "p"
    assert [run.status for run in runs.list_runs(store, kind=None)] == [
        RunStatus.FAILED,
        RunStatus.SUCCESS,
    ]
    store.close()


def test_the_way_back_keeps_one_artifact_of_a_path(old: Path) -> None:
    store = Store(old)
    (fix,) = [each for each in runs.artifacts_of(store, 1) if each.path == "fix.patch"]
    again = Artifact(**fix.model_dump(exclude={"id", "attempt", "size"}), attempt=3, size=9)
    runs.put_artifacts(store, 1, [again])
    store.close()
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
    engine.dispose()

    with closing(sqlite3.connect(old)) as after:
        sizes = after.execute("SELECT size FROM artifact WHERE path = 'fix.patch'").fetchall()
        assert sizes == [(9,)]
        with pytest.raises(sqlite3.IntegrityError):
            after.execute(
                "INSERT INTO artifact (build_id, path, kind, size, sha256)"
                " VALUES (1, 'fix.patch', 'patch', 1, 'ab')"
            )
