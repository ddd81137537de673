"""What is asked of the project table."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from engine.enums import ProjectStatus, RunKind, RunStatus
from engine.errors import ConflictError, NotFoundError
from engine.store.database import Store, StoreError
from engine.store.tables import EventRow, Project, Run, utc_now


@dataclass(frozen=True, slots=True)
class ProjectStats:
    """How a project's builds went.

    Args:
        project_id: of the project.
        counts: how many stand so; a status that none has is left out.
        average_duration: seconds, of those that succeeded or failed and whose duration is known;
            None where there is none.
        last: how the newest stand, newest first; empty where that was not asked for.
    """

    project_id: uuid.UUID
    counts: Mapping[RunStatus, int]
    average_duration: float | None
    last: tuple[RunStatus, ...] = ()

    @property
    def total_builds(self) -> int:
        """All builds, also those that wait, run or were cancelled."""
        return sum(self.counts.values())

    @property
    def successful(self) -> int:
        """Builds that succeeded."""
        return self.counts.get(RunStatus.SUCCESS, 0)

    @property
    def failed(self) -> int:
        """Builds that failed."""
        return self.counts.get(RunStatus.FAILED, 0)

    @property
    def pending(self) -> int:
        """Builds that wait."""
        return self.counts.get(RunStatus.PENDING, 0)

    @property
    def running(self) -> int:
        """Builds that run."""
        return self.counts.get(RunStatus.RUNNING, 0)

    @property
    def cancelled(self) -> int:
        """Builds that a person ended: they count neither as good nor as bad."""
        return self.counts.get(RunStatus.CANCELLED, 0)

    @property
    def success_rate(self) -> float | None:
        """Percent of the builds that succeeded or failed; None before the first."""
        ended = self.successful + self.failed
        return 100 * self.successful / ended if ended else None

    def wire(self) -> dict[str, Any]:
        """As programs outside know it (``GET /api/projects/{id}/stats``)."""
        return {
            "project_id": str(self.project_id),
            "total_builds": self.total_builds,
            "successful": self.successful,
            "failed": self.failed,
            "pending": self.pending,
            "running": self.running,
            "cancelled": self.cancelled,
            "success_rate": self.success_rate,
            "average_duration": self.average_duration,
        }


def add_project(store: Store, project: Project) -> Project:
    """Write a new project.

    Raises:
        UsageError: the name is taken.
    """
    try:
        with store.write() as session:
            session.add(project)
            session.flush()
    except StoreError as error:
        if isinstance(error.__cause__, IntegrityError):
            raise ConflictError(f"a project named {project.name!r} already exists") from error
        raise
    return project


def all_projects(store: Store) -> Sequence[Project]:
    """Every project, by name."""
    with store.read() as session:
        return session.exec(select(Project).order_by(func.lower(Project.name))).all()


def find_project(store: Store, name_or_id: str) -> Project | None:
    """A project by its name or its id."""
    with store.read() as session:
        found = session.exec(select(Project).where(Project.name == name_or_id)).first()
        if found is None:
            with contextlib.suppress(ValueError):
                found = session.get(Project, uuid.UUID(name_or_id))
        return found


def projects_of(store: Store, source: str) -> Sequence[Project]:
    """Every project of a source, by name."""
    query = select(Project).where(Project.source == source)
    with store.read() as session:
        return session.exec(query.order_by(func.lower(Project.name))).all()


def projects_in(store: Store, clone_path: str) -> Sequence[Project]:
    """Every project that has its commits from a clone."""
    with store.read() as session:
        return session.exec(select(Project).where(Project.clone_path == clone_path)).all()


def get_project(store: Store, project_id: uuid.UUID) -> Project:
    """A project by its id.

    Raises:
        UsageError: there is none.
    """
    with store.read() as session:
        project = session.get(Project, project_id)
    if project is None:
        raise NotFoundError(f"no project {project_id}")
    return project


def update_project(
    store: Store,
    project_id: uuid.UUID,
    *,
    status: ProjectStatus,
    detail: str = "",
) -> Project:
    """Change where a project stands."""

    def change(project: Project) -> None:
        project.status, project.status_detail = status, detail

    return change_project(store, project_id, change)


def check_idle(store: Store, project_id: uuid.UUID) -> None:
    """Look whether every run of a project has ended.

    Raises:
        ConflictError: one has not.
    """
    with store.read() as session:
        _check_idle(session, project_id)


def _check_idle(session: Session, project_id: uuid.UUID) -> None:
    unfinished = (RunStatus.PENDING, RunStatus.RUNNING)
    found = session.exec(
        select(Run, Project.name)
        .join(Project, col(Project.id) == col(Run.project_id))
        .where(col(Run.status).in_(unfinished), Run.project_id == project_id)
        .order_by(col(Run.id))
    ).first()
    if found is not None:
        run, name = found
        raise ConflictError(
            f"{run.kind.label} {run.number} of {name} has not ended: wait for it or cancel it"
        )


def change_project(
    store: Store,
    project_id: uuid.UUID,
    change: Callable[[Project], None],
    *,
    idle: bool = False,
) -> Project:
    """Change a project.

    Args:
        change: is given its row, as it stands now, and changes it; other writers wait meanwhile.
        idle: refuse while a run of it has not ended.

    Raises:
        UsageError: its new name is taken, there is no such project, or it is not idle.
    """
    try:
        with store.write() as session:
            project = session.get(Project, project_id)
            if project is None:
                raise NotFoundError(f"no project {project_id}")
            if idle:
                _check_idle(session, project_id)
            change(project)
            project.updated_at = utc_now()
            session.add(project)
            session.flush()
    except StoreError as error:
        if isinstance(error.__cause__, IntegrityError):
            raise ConflictError("a project of that name already exists") from error
        raise
    return project


def remove_project(store: Store, project_id: uuid.UUID) -> None:
    """Forget a project with its builds, findings and logs.

    Raises:
        ConflictError: a run of it has not ended.
    """
    with store.write() as session:
        _check_idle(session, project_id)
        # A reader hears that the project is gone: that their rows are is nothing it misses.
        mine = select(Run.id).where(Run.project_id == project_id)
        session.exec(delete(EventRow).where(col(EventRow.run_id).in_(mine)))
        session.exec(delete(Project).where(col(Project.id) == project_id))


def project_stats(store: Store, project_id: uuid.UUID, *, last: int = 10) -> ProjectStats:
    """How a project's builds went, with the statuses of the ``last`` newest, newest first."""
    with store.read() as session:
        newest = session.exec(
            select(Run.status)
            .where(Run.project_id == project_id, Run.kind == RunKind.FIRMWARE)
            .order_by(col(Run.id).desc())
            .limit(last)
        ).all()
    nothing = ProjectStats(project_id, {}, None)
    found = every_project_stats(store, project_id).get(project_id, nothing)
    return replace(found, last=tuple(map(RunStatus, newest)))


def every_project_stats(
    store: Store, project_id: uuid.UUID | None = None
) -> dict[uuid.UUID, ProjectStats]:
    """How the builds of each project went, or of one; without builds it is left out."""
    query = (
        select(  # type: ignore[call-overload] # it knows no more than four columns
            Run.project_id, Run.status, func.count(), func.count(col(Run.duration)),
            func.sum(Run.duration),
        )
        .where(Run.kind == RunKind.FIRMWARE, col(Run.project_id).is_not(None))
        .group_by(col(Run.project_id), col(Run.status))
    )  # fmt: skip
    if project_id is not None:
        query = query.where(Run.project_id == project_id)
    counts: dict[uuid.UUID, dict[RunStatus, int]] = {}
    measured: dict[uuid.UUID, tuple[int, float]] = {}
    with store.read() as session:
        for project, word, number, timed, seconds in session.exec(query):
            assert project is not None
            status = RunStatus(word)
            counts.setdefault(project, {})[status] = number
            if status in (RunStatus.SUCCESS, RunStatus.FAILED) and timed:
                before, sum_before = measured.get(project, (0, 0.0))
                measured[project] = (before + timed, sum_before + seconds)
    averages = {project: seconds / number for project, (number, seconds) in measured.items()}
    return {each: ProjectStats(each, counts[each], averages.get(each)) for each in counts}
