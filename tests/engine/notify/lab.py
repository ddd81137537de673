"""A workspace in which builds and checks end, told by a clock that the tests hold."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from engine import Settings
from engine.enums import (
    CheckStatus,
    ProjectStatus,
    RunKind,
    RunStatus,
    Severity,
    StageStatus,
    Trigger,
)
from engine.events import Bus, CheckCompleted, Event, Problem, RunStarted
from engine.notify.service import Notifications
from engine.runs.journal import Journal
from engine.runs.run_events import end_run, run_changed
from engine.store import logs, projects, runs
from engine.store import notifications as rows
from engine.store.checks import confirm_result
from engine.store.database import Store
from engine.store.tables import CheckResultRow, DeliveryRow, FindingRow, Project, Run, StageRow

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
SHA = "3f2a1b9c" * 5


class Lab:
    """A store, a bus, a journal, and notifications."""

    def __init__(self, folder: Path, **notifications: Any) -> None:
        self.open(folder, **notifications)
        self.now = MONDAY
        self.notifications = self.restart()
        self.notifications.step()

    def open(self, folder: Path, **notifications: Any) -> None:
        """Open the workspace; nobody tells anything yet."""
        self.folder = folder
        self.store = Store(folder / "espdeck.db")
        self.bus = Bus(lambda run: logs.last_seq(self.store, run))
        self.journal = Journal(self.store, self.bus)
        self.now = datetime.now(UTC)
        self.configure(**notifications)
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)

    def configure(self, **notifications: Any) -> None:
        """Change the settings, as a reload does."""
        values = {"group_wait_seconds": 0, **notifications}
        self.settings = Settings(workspace=self.folder, notifications=values)

    def restart(self) -> Notifications:
        """Notifications that know only what the store has."""
        self.notifications = Notifications(
            self.store,
            self.bus,
            lambda: self.settings,
            lambda: self.now,
            host="labhost",
            jitter=lambda: 1.0,
        )
        return self.notifications

    def step(self, minutes: float = 0.0) -> datetime | None:
        """Let time pass, do what is due, and wait for what is being sent."""
        self.now += timedelta(minutes=minutes)
        self.journal.flush()
        due = self.notifications.step()
        for _ in range(3):  # what ended may make something else due
            self.notifications.settle(30)
            due = self.notifications.step()
        return due

    def project(self, name: str = "blink", source: str = "https://github.com/me/blink") -> Project:
        """A project, made once."""
        return projects.find_project(self.store, name) or projects.add_project(
            self.store,
            Project(
                name=name,
                source=source,
                branch="main",
                target="esp32c3",
                status=ProjectStatus.ACTIVE,
            ),
        )

    def begin(self, project: Project | None = None, **values: Any) -> Run:
        """A build is asked for and begins."""
        project = project or self.project()
        run = Run(
            project_id=project.id,
            commit_sha=SHA,
            commit_message="Blink twice\n\nAs asked.",
            commit_author="Ada",
            branch="main",
            target="esp32c3",
            workflow_id=uuid.uuid4().hex,
            asked_by="bob",
            created_at=self.now,
            **values,
        )
        run = runs.add_run(self.store, run)
        self.bus.publish(run_changed(run))
        run = runs.start_run(self.store, run.number)
        self.bus.publish(
            RunStarted(run_id=run.number, project=project.name, commit=SHA, target="esp32c3")
        )
        return run

    def end(self, run: Run, *, failed: bool, finding: str = "expected ';'") -> None:
        """It ends; one that failed has a finding."""
        if failed:
            with self.store.write() as session:
                session.add(
                    StageRow(
                        run_id=run.number,
                        key="build",
                        agent="BUILDER",
                        phase="build",
                        attempt=1,
                        status=StageStatus.FAILED,
                    )
                )
                session.add(
                    FindingRow(
                        run_id=run.number,
                        stage="build",
                        attempt=1,
                        severity=Severity.ERROR,
                        code="compiler.error",
                        message=finding,
                        file="main/app.c",
                        line=12,
                    )
                )
        end_run(
            self.store,
            self.bus,
            run.number,
            status=RunStatus.FAILED if failed else RunStatus.SUCCESS,
            result="it does not compile" if failed else "built",
        )

    def build(self, *, failed: bool, project: Project | None = None, **values: Any) -> Run:
        """A whole build."""
        finding = values.pop("finding", "expected ';'")
        run = self.begin(project, **values)
        self.end(run, failed=failed, finding=finding)
        return run

    def cancelled(self) -> None:
        """A build that somebody cancels."""
        run = self.begin()
        end_run(self.store, self.bus, run.number, status=RunStatus.CANCELLED, result="cancelled")

    def task(self, *, failed: bool) -> None:
        """A task of a model."""
        run = self.begin(kind=RunKind.TASK)
        self.end(run, failed=failed)

    def check(
        self,
        status: CheckStatus,
        name: str = "doc_check",
        *,
        project: Project | None = None,
        details: dict[str, Any] | None = None,
        trigger: Trigger = Trigger.SCHEDULE,
        told: bool = True,
    ) -> None:
        """A check ends."""
        row = CheckResultRow(
            check_name=name,
            project_id=project.id if project else None,
            status=status,
            message=f"{name}: it is so",
            details=details or {},
            timestamp=self.now,
            confirmed_at=self.now,
            triggered_by=trigger,
        )
        with self.store.write() as session:
            session.add(row)
            session.flush()
            session.refresh(row)
        if told:
            self.bus.publish(
                CheckCompleted(
                    result_id=row.id or 0,
                    check=name,
                    project_id=str(project.id) if project else "",
                    project=project.name if project else "",
                    status=status,
                    message=row.message,
                    duration=0.1,
                )
            )

    def stands(self) -> None:
        """The schedule finds that the newest result of a check stands."""
        number = rows.results_after(self.store, 0)[-1]
        confirm_result(self.store, number, self.now)

    def problem(self, message: str) -> None:
        """Something is wrong with espdeck."""
        self.bus.publish(Problem(message=message, at=self.now))

    def deliveries(self) -> list[DeliveryRow]:
        """All deliveries, oldest first."""
        with self.store.read() as session:
            return list(session.exec(select(DeliveryRow).order_by(col(DeliveryRow.id))))

    def waiting(self) -> bool:
        """Whether something is to be sent."""
        return bool(rows.open_deliveries(self.store))

    def knows(self, channel: str) -> bool:
        """Whether somebody tells this channel."""
        return f"channel:{channel}" in rows.load_state(self.store)

    def told(self, name: str) -> bool:
        """Whether a message that tells of a project has ended."""
        return any(
            row.ended_at is not None and f"{name} " in row.title + row.body
            for row in self.deliveries()
        )

    @property
    def titles(self) -> list[str]:
        """Titles of all notifications, oldest first."""
        return [row.title for row in reversed(self.notifications.list())]


@contextmanager
def lab(folder: Path, **notifications: Any) -> Iterator[Lab]:
    """A workspace while the block runs."""
    here = Lab(folder, **notifications)
    try:
        yield here
    finally:
        here.notifications.settle(5)
        here.store.close()
