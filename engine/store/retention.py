"""What is asked of the tables when old runs go: which there are, and their rows bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from engine.enums import ArtifactKind, RunKind, RunStatus
from engine.store.database import Store
from engine.store.positions import note_removed
from engine.store.tables import Artifact, EventRow, LogChunk, Project, Run

_ROWS_PER_TRANSACTION = 200  # rows deleted in one transaction, so that nobody waits for long


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What retention needs to know of a run."""

    number: int
    kind: RunKind
    variant: tuple[str, str, str]
    """Project, chip and configuration."""
    status: RunStatus
    dirty: bool
    ended: datetime
    workflow_id: str
    folder: str


def all_runs(store: Store) -> Sequence[RunFacts]:
    """Every run, newest first; one that has not ended counts as ended when it was asked for."""
    query = select(
        Run.id,
        Run.kind,
        Run.project_id,
        Run.target,
        Run.configuration,
        Run.status,
        Run.dirty,
        Run.completed_at,
        Run.created_at,
        Run.workflow_id,
        Run.artifacts_path,
    ).order_by(col(Run.id).desc())  # type: ignore[call-overload] # SQLModel knows four columns
    with store.read() as session:
        return [
            RunFacts(
                number=row[0],
                kind=RunKind(row[1]),
                variant=(str(row[2] or ""), row[3], row[4]),
                status=RunStatus(row[5]),
                dirty=row[6],
                ended=row[7] or row[8],
                workflow_id=row[9],
                folder=row[10],
            )
            for row in session.execute(query)
        ]


def project_names(store: Store) -> dict[str, str]:
    """Name of each project, by its id as :attr:`RunFacts.variant` has it."""
    with store.read() as session:
        return {str(key): name for key, name in session.exec(select(Project.id, Project.name))}


def programs(store: Store) -> dict[int, str]:
    """SHA-256 of the program that each build kept last, by its number."""
    query = (
        select(Artifact.run_id, Artifact.sha256)
        .where(Artifact.kind == ArtifactKind.ELF)
        .order_by(col(Artifact.id))
    )
    with store.read() as session:
        return dict(session.exec(query).all())


def with_artifact(store: Store, path: str) -> set[int]:
    """Runs that kept an artifact of this name."""
    with store.read() as session:
        return set(session.exec(select(Artifact.run_id).where(Artifact.path == path)))


def text_of(store: Store, run_id: int) -> int:
    """Characters of all logs of a run."""
    query = select(func.sum(func.length(LogChunk.text))).where(LogChunk.run_id == run_id)
    with store.read() as session:
        return session.exec(query).one() or 0


def remove_some(store: Store, run_id: int) -> bool:
    """Delete some of the rows of a run that has ended, at last its own; False when none is left.

    One that was asked for again meanwhile stays, as far as it is still there.
    """
    with store.write() as session:
        status = session.exec(select(Run.status).where(Run.id == run_id)).first()
        if status is None or not RunStatus(status).is_final:
            return False
        for table in (LogChunk, EventRow):
            some = select(table.id).where(table.run_id == run_id).limit(_ROWS_PER_TRANSACTION)
            if _remove(session, table, some):
                return True
        session.execute(delete(Run).where(col(Run.id) == run_id))
    return False


def is_there(store: Store, run_id: int) -> bool:
    """Whether there is a run of that number."""
    with store.read() as session:
        return session.exec(select(Run.id).where(Run.id == run_id)).first() is not None


def remove_old_events(store: Store, before: datetime) -> bool:
    """Delete some events of no run that are older; False when none is left."""
    with store.write() as session:
        some = (
            select(EventRow.id)
            .where(EventRow.run_id == 0, EventRow.at < before)
            .order_by(col(EventRow.id))
            .limit(_ROWS_PER_TRANSACTION)
        )
        return _remove(session, EventRow, some)


def _remove(
    session: Session,
    table: type[LogChunk] | type[EventRow],
    some: SelectOfScalar[int] | SelectOfScalar[None],
) -> bool:
    """Delete rows by their ids; False when there are none. What had a place is noted."""
    removed = delete(table).where(col(table.id).in_(some)).returning(col(table.position))
    places = session.execute(removed).scalars().all()
    note_removed(session, max(places, default=0))
    return bool(places)
