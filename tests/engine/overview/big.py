"""A lab of a thousand projects, written down at once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import CheckStatus, ProjectStatus, RunKind, RunStatus, StageStatus, Trigger
from engine.store.database import Store
from engine.store.tables import CheckResultRow, EventRow, Project, Run, StageRow
from tests.engine.overview.lab import NOW

CHECKS = ("git_check", "doc_check", "test_check", "dependency_check", "remote_check")
_RESULTS = 5
_EVENTS = 20


def fill_lab(
    folder: Path, projects: int, builds: int, *, printed: int = 4096, unfinished: int = 8
) -> Store:
    """A store with some projects, the same number of builds of each, and what they leave.

    Every seventh build failed.

    Args:
        builds: of all projects.
        printed: bytes that each build printed.
        unfinished: how many of the builds run and wait.
    """
    store = Store(folder / "espdeck.db")
    ids = [uuid.uuid4() for _ in range(projects)]
    rows: dict[Any, list[dict[str, Any]]] = {
        Project: [_project(number, each) for number, each in enumerate(ids)],
        Run: [],
        StageRow: [],
        EventRow: [],
        CheckResultRow: [],
    }
    for number in range(1, builds + 1):
        _add_build(rows, number, ids[number % projects], builds - unfinished, "x" * printed)
    for each in (*ids, None):
        for check in CHECKS if each is not None else ("board_check",):
            rows[CheckResultRow] += [
                {"check_name": check, "project_id": each, "message": "", "details": {},
                 "status": CheckStatus.SUCCESS, "timestamp": NOW, "confirmed_at": NOW,
                 "duration_seconds": 1.0, "state": "", "triggered_by": Trigger.SCHEDULE}
            ] * _RESULTS  # fmt: skip
    with store.write() as session:
        for table, values in rows.items():
            session.execute(insert(table), values)
    return store


def _project(number: int, project_id: uuid.UUID) -> dict[str, Any]:
    name = f"node-{number:04d}"
    return {
        "id": project_id, "name": name, "source": f"https://lab.test/{name}", "target": "esp32c3",
        "targets": ["esp32c3"], "app": "", "configuration": "", "branch": "main",
        "branch_chosen": False, "tip": f"{number:040x}", "status": ProjectStatus.ACTIVE,
        "status_detail": "", "clone_path": f"/nowhere/{name}", "created_at": NOW,
        "updated_at": NOW, "synced_at": NOW,
    }  # fmt: skip


def _add_build(
    rows: dict[Any, list[dict[str, Any]]],
    number: int,
    project_id: uuid.UUID,
    ended_builds: int,
    printed: str,
) -> None:
    status = RunStatus.FAILED if number % 7 == 0 else RunStatus.SUCCESS
    if number > ended_builds:
        status = RunStatus.RUNNING if number % 2 else RunStatus.PENDING
    ended = NOW - timedelta(minutes=max(0, ended_builds - number))
    rows[Run].append(
        {
            "id": number,
            "kind": RunKind.FIRMWARE,
            "project_id": project_id,
            "commit_sha": f"{number:040x}",
            "commit_message": "Read the humidity",
            "target": "esp32c3",
            "configuration": "",
            "dirty": False,
            "status": status,
            "started_at": ended,
            "completed_at": ended if status.is_final else None,
            "duration": 60.0 if status.is_final else None,
            "build_output": printed,
            "error": "Load prohibited in radio_begin (radio.c:88)"
            if status is RunStatus.FAILED
            else "",
            "triggered_by": Trigger.MANUAL,
            "created_at": ended,
            "branch": "main",
            "commit_author": "ada",
            "board": "auto",
            "simulator": "auto",
            "workflow_id": str(number),
            "deaths": 0,
            "notes": [],
            "cancel_requested": False,
            "artifacts_path": "",
            "verdict": "",
            "asked_by": "ada",
            "proposed_by": "",
            "approved_by": "",
        }
    )
    rows[StageRow] += [
        {"run_id": number, "key": stage.key, "agent": stage.role, "phase": stage.phase,
         "attempt": 1, "status": StageStatus.SUCCESS, "summary": "compiled"}
        for stage in FIRMWARE_PIPELINE.stages
    ]  # fmt: skip
    rows[EventRow] += [
        {"run_id": number, "seq": seq, "kind": "workflow.progress", "at": ended, "writer": "past",
         "body": {"phase": "build", "percent": seq * 5.0, "message": "wifi.c"}, "position": 0}
        for seq in range(1, _EVENTS + 1)
    ]  # fmt: skip
