"""What is asked of the tables about artifacts by their content: where it lies, what is stored."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Exists, and_, delete, exists, func, or_, update
from sqlmodel import Session, col, select

from engine.enums import ArtifactKind, RunStatus
from engine.store.database import Store
from engine.store.tables import Artifact, Project, Run, StoredObject

FIRMWARE = (
    ArtifactKind.ELF,
    ArtifactKind.APP,
    ArtifactKind.BOOTLOADER,
    ArtifactKind.PARTITION_TABLE,
    ArtifactKind.DATA,
    ArtifactKind.MAP,
)
"""Kinds whose files may be in a store alone: large, and read through one door."""

_FINAL = tuple(status for status in RunStatus if status.is_final)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """An artifact and the folder of its run's artifacts."""

    artifact: Artifact
    folder: str


@dataclass(frozen=True, slots=True)
class Content:
    """Content of artifacts: its SHA-256 and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ProjectContent:
    """What the artifacts of a project are.

    Args:
        project: its name; empty for tasks of none.
        runs, files: how many.
        size: bytes of all files.
        distinct: bytes, content that several have counted once.
    """

    project: str
    runs: int
    files: int
    size: int
    distinct: int


def files_with(store: Store, sha256: str, limit: int = 20) -> Sequence[KeptFile]:
    """Artifacts of this content, newest first."""
    query = (
        select(Artifact, Run.artifacts_path)
        .join(Run)
        .where(Artifact.sha256 == sha256)
        .order_by(col(Artifact.id).desc())
        .limit(limit)
    )
    with store.read() as session:
        return [KeptFile(*row) for row in session.exec(query)]


def stored(store: Store, sha256: str) -> Sequence[StoredObject]:
    """Stores that have this content."""
    with store.read() as session:
        return session.exec(
            select(StoredObject)
            .where(StoredObject.sha256 == sha256)
            .where(col(StoredObject.stored_at).is_not(None))
        ).all()


def unmoved(store: Store, place: str, now: datetime, limit: int) -> Sequence[Content]:
    """Content that a store does not have and that is due to be moved there, oldest first."""
    done_or_later = exists().where(
        col(StoredObject.sha256) == col(Artifact.sha256),
        col(StoredObject.place) == place,
        or_(col(StoredObject.stored_at).is_not(None), col(StoredObject.due_at) > now),
    )
    query = (
        select(Artifact.sha256, Artifact.size)
        .where(Artifact.sha256 != "", ~done_or_later)
        .group_by(col(Artifact.sha256))
        .order_by(func.min(Artifact.id))
        .limit(limit)
    )
    with store.read() as session:
        return [Content(*row) for row in session.exec(query)]


def next_due(store: Store, place: str) -> datetime | None:
    """When the first of what failed is due again; None where nothing waits for a time."""
    query = select(StoredObject.due_at).where(
        StoredObject.place == place,
        col(StoredObject.stored_at).is_(None),
        col(StoredObject.due_at).is_not(None),
        exists().where(col(Artifact.sha256) == col(StoredObject.sha256)),
    )
    with store.read() as session:
        return session.exec(query.order_by(col(StoredObject.due_at)).limit(1)).first()


def count_unmoved(store: Store, place: str) -> tuple[int, int]:
    """How many different files a store does not have yet, and their bytes."""
    done = exists().where(
        col(StoredObject.sha256) == col(Artifact.sha256),
        col(StoredObject.place) == place,
        col(StoredObject.stored_at).is_not(None),
    )
    contents = (
        select(Artifact.sha256, Artifact.size)
        .where(Artifact.sha256 != "", ~done)
        .group_by(col(Artifact.sha256))
        .subquery()
    )
    with store.read() as session:
        count, size = session.exec(select(func.count(), func.sum(contents.c.size))).one()
    return count, size or 0


def begin_move(store: Store, place: str, content: Content) -> bool:
    """Write down that content is about to be sent; False where no artifact has it any more."""
    with store.write() as session:
        if not session.exec(select(_is_kept(content.sha256))).one():
            return False
        if session.get(StoredObject, (content.sha256, place)) is None:
            session.add(StoredObject(sha256=content.sha256, place=place, size=content.size))
    return True


def end_move(store: Store, place: str, sha256: str, now: datetime) -> None:
    """Write down that a store has content, and that what failed before may be tried at once."""
    with store.write() as session:
        values = {"stored_at": now, "due_at": None, "failures": 0, "error": ""}
        session.execute(update(StoredObject).where(_at(sha256, place)).values(**values))
        _make_due(session, place)


def put_off(
    store: Store, place: str, sha256: str, *, error: str, until: datetime, final: bool = False
) -> None:
    """Write down why content could not be moved, and when it is tried again.

    Args:
        final: a store that comes back changes nothing about it.
    """
    with store.write() as session:
        row = session.get(StoredObject, (sha256, place))
        if row is not None:
            row.due_at, row.error = until, error
            row.failures = 0 if final else row.failures + 1
            session.add(row)


def make_due(store: Store) -> None:
    """Have all that failed be tried now, in whichever store."""
    with store.write() as session:
        session.execute(update(StoredObject).values(due_at=None))


def forget_stored(store: Store, place: str, sha256: str) -> None:
    """Write down that a store has not got content, or not whole: it has to be moved again."""
    with store.write() as session:
        session.execute(
            update(StoredObject).where(_at(sha256, place)).values(stored_at=None, due_at=None)
        )


def unkept(store: Store, place: str) -> Sequence[Content]:
    """Content in a store, or on its way there, that no artifact has any more."""
    kept = exists().where(col(Artifact.sha256) == col(StoredObject.sha256))
    query = select(StoredObject.sha256, StoredObject.size).where(StoredObject.place == place, ~kept)
    with store.read() as session:
        return [Content(*row) for row in session.exec(query)]


def begin_delete(store: Store, place: str, sha256: str) -> bool:
    """Write down that content is about to be deleted; False where an artifact has it again.

    From here on it counts as not stored: an artifact that comes to have it is moved anew.
    """
    with store.write() as session:
        if session.exec(select(_is_kept(sha256))).one():
            return False
        session.execute(update(StoredObject).where(_at(sha256, place)).values(stored_at=None))
    return True


def end_delete(store: Store, place: str, sha256: str) -> None:
    """Write down that a store has not got content any more."""
    with store.write() as session:
        session.execute(
            delete(StoredObject)
            .where(_at(sha256, place))
            .where(col(StoredObject.stored_at).is_(None))
        )


def stored_firmware(store: Store, place: str, before: datetime) -> Sequence[KeptFile]:
    """Firmware files that a store has, of runs that ended before some time, by content."""
    query = (
        select(Artifact, Run.artifacts_path)
        .join(Run)
        .join(StoredObject, col(StoredObject.sha256) == col(Artifact.sha256))
        .where(StoredObject.place == place, col(StoredObject.stored_at).is_not(None))
        .where(col(Artifact.kind).in_(FIRMWARE), col(Run.status).in_(_FINAL))
        .where(col(Run.completed_at) < before)
        .order_by(col(Artifact.sha256), col(Artifact.id))
    )
    with store.read() as session:
        return [KeptFile(*row) for row in session.exec(query)]


def contents_of_runs(store: Store) -> dict[int, list[Content]]:
    """What the artifacts of each run are, by its number."""
    found: dict[int, list[Content]] = {}
    query = select(Artifact.run_id, Artifact.sha256, Artifact.size)
    with store.read() as session:
        for number, sha256, size in session.execute(query):
            found.setdefault(number, []).append(Content(sha256, size))
    return found


def by_project(store: Store) -> Sequence[ProjectContent]:
    """What the artifacts of each project are, the largest first."""
    query = select(
        col(Run.project_id), col(Artifact.run_id), col(Artifact.sha256), col(Artifact.size)
    ).join(Run)
    runs: dict[uuid.UUID | None, set[int]] = {}
    sizes: dict[uuid.UUID | None, list[int]] = {}
    contents: dict[uuid.UUID | None, dict[str, int]] = {}
    with store.read() as session:
        for project, number, sha256, size in session.exec(query):
            runs.setdefault(project, set()).add(number)
            sizes.setdefault(project, []).append(size)
            contents.setdefault(project, {})[sha256] = size
        names = dict(session.exec(select(Project.id, Project.name)).all())
    return sorted(
        (
            ProjectContent(
                names[project] if project is not None else "",
                len(runs[project]),
                len(sizes[project]),
                sum(sizes[project]),
                sum(contents[project].values()),
            )
            for project in runs
        ),
        key=lambda each: -each.distinct,
    )


def _make_due(session: Session, place: str) -> None:
    waiting = and_(col(StoredObject.place) == place, col(StoredObject.failures) > 0)
    session.execute(update(StoredObject).where(waiting).values(due_at=None))


def _at(sha256: str, place: str) -> ColumnElement[bool]:
    return and_(col(StoredObject.sha256) == sha256, col(StoredObject.place) == place)


def _is_kept(sha256: str) -> Exists:
    return exists().where(col(Artifact.sha256) == sha256)
