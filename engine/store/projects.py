"""What is asked of the project table."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import case, delete, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from engine.enums import ProjectStatus, RunKind, RunStatus
from engine.errors import UsageError
from engine.store.database import Store, StoreError
from engine.store.tables import EventRow, Project, Run, utc_now


@dataclass(frozen=True, slots=True)
class ProjectStats:
    """How a project's builds went; ``average_duration`` in seconds. Cancelled ones did not end."""

    builds: int
    succeeded: int
    ended: int
    average_duration: float | None
    last: tuple[RunStatus, ...]

    @property
    def success_rate(self) -> float | None:
        """Part of the ended builds that succeeded, 0 to 1; None before the first."""
        return self.succeeded / self.ended if self.ended else None


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
            raise UsageError(f"a project named {project.name!r} is there already") from error
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
        raise UsageError(f"no project {project_id}")
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


def change_project(
    store: Store, project_id: uuid.UUID, change: Callable[[Project], None]
) -> Project:
    """Change a project.

    Args:
        change: is given its row, as it stands now, and changes it; other writers wait meanwhile.

    Raises:
        UsageError: its new name is taken, or there is no such project.
    """
    try:
        with store.write() as session:
            project = session.get(Project, project_id)
            if project is None:
                raise UsageError(f"no project {project_id}")
            change(project)
            project.updated_at = utc_now()
            session.add(project)
            session.flush()
    except StoreError as error:
        if isinstance(error.__cause__, IntegrityError):
            raise UsageError("a project of that name is there already") from error
        raise
    return project


def remove_project(store: Store, project_id: uuid.UUID) -> None:
    """Forget a project with its builds, findings and logs."""
    with store.write() as session:
        mine = select(Run.id).where(Run.project_id == project_id)
        session.exec(delete(EventRow).where(col(EventRow.run_id).in_(mine)))
        session.exec(delete(Project).where(col(Project.id) == project_id))


def project_stats(store: Store, project_id: uuid.UUID, *, last: int = 10) -> ProjectStats:
    """How a project's builds went, with the statuses of the ``last`` newest, newest first."""
    ended = col(Run.status).in_([RunStatus.SUCCESS, RunStatus.FAILED])
    succeeded = case((col(Run.status) == RunStatus.SUCCESS, 1), else_=0)
    with store.read() as session:
        row = session.exec(
            select(
                func.count(),
                func.coalesce(func.sum(succeeded), 0),
                func.coalesce(func.sum(case((ended, 1), else_=0)), 0),
                func.avg(case((ended, Run.duration), else_=None)),
            ).where(Run.project_id == project_id, Run.kind == RunKind.FIRMWARE)
        ).one()
        newest = session.exec(
            select(Run.status)
            .where(Run.project_id == project_id, Run.kind == RunKind.FIRMWARE)
            .order_by(col(Run.id).desc())
            .limit(last)
        ).all()
    builds, good, done, average = row
    return ProjectStats(
        builds=builds,
        succeeded=good,
        ended=done,
        average_duration=average,
        last=tuple(map(RunStatus, newest)),
    )


def last_statuses(store: Store) -> dict[uuid.UUID, RunStatus]:
    """How the newest build of each project stands; projects without builds are left out."""
    newest = (
        select(func.max(Run.id)).where(Run.kind == RunKind.FIRMWARE).group_by(col(Run.project_id))
    )
    with store.read() as session:
        rows = session.exec(select(Run.project_id, Run.status).where(col(Run.id).in_(newest))).all()
    return {project: RunStatus(status) for project, status in rows if project is not None}
