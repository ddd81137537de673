"""A lab without an engine: a store, boards, and a clock that stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.boards.service import Boards
from engine.enums import ProjectStatus, RunKind, RunStatus
from engine.events import Bus, RunChanged
from engine.overview.service import Overview
from engine.overview.work import Executing
from engine.settings import Settings
from engine.store import logs, projects, runs
from engine.store.database import Store
from engine.store.tables import EventRow, Project, Run

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OK, FAILED, RUNNING, PENDING, CANCELLED = (
    RunStatus.SUCCESS,
    RunStatus.FAILED,
    RunStatus.RUNNING,
    RunStatus.PENDING,
    RunStatus.CANCELLED,
)


class Lab:
    """Projects and runs as they are written down; each build ends a minute after the one before."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.store = Store(folder / "espdeck.db")
        self.settings = Settings(workspace=folder, **settings)
        self.boards = Boards(self.settings.boards, folder / "boards", self.store)
        self.bus = Bus()
        self.executing = Executing(here=True, is_ready=True, pid=1)
        self.overview = Overview(
            self.store,
            self.boards,
            lambda: self.settings,
            executing=lambda: self.executing,
            bus=self.bus,
            now=lambda: NOW,
        )

    def project(self, name: str, **fields: Any) -> Project:
        fields = {
            "source": f"https://lab.test/{name}",
            "target": "esp32c3",
            "status": ProjectStatus.ACTIVE,
            "synced_at": NOW,
            **fields,
        }
        return projects.add_project(self.store, Project(name=name, **fields))

    def build(self, project: Project, status: RunStatus = OK, **fields: Any) -> int:
        fields = {"commit_sha": "a" * 40, "target": "esp32c3", "duration": 10.0, **fields}
        run = Run(project_id=project.id, status=status, **fields)
        if status not in (PENDING, CANCELLED):
            run.started_at = fields.get("started_at", NOW)
        number = runs.add_run(self.store, run).number
        if status.is_final:
            with self.store.write() as session:
                session.get_one(Run, number).completed_at = ended(number)
        if status is PENDING:
            self.event(number, RunChanged.kind, status=PENDING)
        return number

    def task(self, status: RunStatus, **fields: Any) -> int:
        return runs.add_run(self.store, Run(kind=RunKind.TASK, status=status, **fields)).number

    def event(self, run_id: int, kind: str, **body: Any) -> None:
        row = EventRow(run_id=run_id, seq=1, kind=kind, body=body, writer="test", at=NOW)
        logs.append(self.store, [row])


def ended(number: int) -> datetime:
    """When a build ended."""
    return NOW - timedelta(days=1) + timedelta(minutes=number)
