"""Projects, builds and boards on a store, without a process that executes runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine import Settings
from engine.artifacts.service import Artifacts
from engine.boards.service import Boards
from engine.builds.service import Builds
from engine.cancel import CancelToken
from engine.checks.base import CheckResult
from engine.checks.lab import LabCheck, LabServices
from engine.enums import RunKind, RunStatus
from engine.events import Bus
from engine.projects.service import Projects
from engine.projects.slots import Slots
from engine.runs.active import ActiveRuns
from engine.runs.journal import Journal
from engine.runs.queue import RunQueue, RunState
from engine.runs.service import RunServices
from engine.store import runs
from engine.store.busy_wait import WaitPolicy
from engine.store.database import Store
from engine.store.tables import CheckResultRow, Project, Run, utc_now

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""When the lab begins to be looked at."""


class Queue(RunQueue):
    """Takes runs, and executes none."""

    def enqueue(
        self, kind: RunKind, workflow_id: str, run_id: int, priority: int | None = None
    ) -> None: ...

    def cancel(self, workflow_id: str) -> None: ...

    def state(self, workflow_id: str) -> RunState:
        return RunState.UNFINISHED


class LabYard:
    """A lab whose clock the test sets."""

    def __init__(self, folder: Path, boards: Sequence[str] = (), **settings: Any) -> None:
        self.folder = folder
        self.settings = Settings(workspace=folder, boards=tuple(boards), **settings)
        self.store = Store(folder / "espdeck.db")
        bus = Bus()
        slots = Slots(folder / "worktrees", is_unfinished=lambda _run: False)
        self.projects = Projects(self.store, bus, folder / "projects", slots)
        self.boards = Boards(boards, folder / "boards", self.store, self.settings.board)
        artifacts = Artifacts(self.store, lambda: self.settings, folder, "0" * 32, utc_now)
        services = RunServices(
            store=self.store,
            bus=bus,
            journal=Journal(self.store, bus),
            active=ActiveRuns(self.store, bus, WaitPolicy(None)),
            runs=Queue(folder / "runs.db", "here"),
            boards=lambda: self.boards,
            artifacts=lambda: artifacts,
            wait_ready=lambda: None,
            is_asked_elsewhere=lambda: False,
        )
        self.builds = Builds(services, self.projects)
        self.now = START
        self._results: dict[tuple[str, object], CheckResultRow] = {}

    def close(self) -> None:
        self.boards.close()
        self.projects.close()
        self.store.close()

    def add(self, source: Path | str, **how: Any) -> Project:
        added = self.projects.add(str(source), **{"targets": ["esp32c3"], **how})
        return self.projects.wait(added.id, timeout=30)

    def look(
        self,
        check: LabCheck,
        project: Project | None = None,
        *,
        after: float = 5,
        cancel: CancelToken | None = None,
        **options: Any,
    ) -> CheckResult:
        """Run a check some minutes later; its result is kept as the previous one."""
        self.now += timedelta(minutes=after)
        key = (check.name, project and project.id)
        result = check.run(
            LabServices(self.projects, self.builds, self.boards, self.store, lambda: self.settings),
            self.projects.get(str(project.id)) if project is not None else None,
            options={**check.options, **options},
            previous=self._results.get(key),
            now=self.now,
            cancel=cancel or CancelToken(),
        )
        self._results[key] = CheckResultRow(
            check_name=check.name,
            project_id=project.id if project else None,
            status=result.status,
            message=result.message,
            details=dict(result.details),
        )
        return result

    def set(self, **settings: Any) -> None:
        """Change the settings, as an edited file does."""
        self.settings = self.settings.model_copy(update=settings)

    def finish(self, number: int, status: RunStatus = RunStatus.SUCCESS) -> None:
        runs.start_run(self.store, number)
        runs.finish_run(self.store, number, status=status)

    def built(self, project: Project) -> list[Run]:
        """The builds of a project, oldest first."""
        return [*reversed(self.builds.list(project_id=project.id))]
