"""What is asked of the tables of notifications: what happened, what is sent, what is muted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from engine.enums import (
    CheckStatus,
    DeliveryStatus,
    NotificationKind,
    RunStatus,
    StageStatus,
    Trigger,
)
from engine.errors import NotFoundError, UsageError
from engine.store.attempts import counted_stages, of_stages
from engine.store.database import Store
from engine.store.tables import (
    CheckResultRow,
    DeliveryRow,
    EventRow,
    FindingRow,
    MuteRow,
    NotificationRow,
    NotifyStateRow,
    Project,
    Run,
    StageRow,
)

_OPEN = (DeliveryStatus.WAITING, DeliveryStatus.SENDING)


@dataclass(frozen=True, slots=True)
class RunStory:
    """A run with what a message says of it: stages that failed, findings that count."""

    run: Run
    project: Project | None
    stages: Sequence[StageRow]
    findings: Sequence[FindingRow]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one look at the news changes.

    Args:
        state: what is remembered, by key; None forgets it.
        deliveries: new ones.
        superseded: keys of which what waits is not sent any more.
    """

    state: Mapping[str, dict[str, Any] | None]
    deliveries: Sequence[DeliveryRow] = ()
    superseded: Sequence[tuple[str, str]] = ()
    """Channels and keys."""


def load_state(store: Store) -> dict[str, dict[str, Any]]:
    """All that notifications remember."""
    with store.read() as session:
        return {row.key: row.body for row in session.exec(select(NotifyStateRow))}


def held_channels(store: Store) -> dict[str, str]:
    """Why something is held back, by channel."""
    prefix = "channel:"
    with store.read() as session:
        query = select(NotifyStateRow).where(col(NotifyStateRow.key).startswith(prefix))
        found = {row.key.removeprefix(prefix): row.body.get("held") for row in session.exec(query)}
    return {name: str(held) for name, held in found.items() if held}


def newest_ids(store: Store) -> tuple[int, int, int]:
    """The newest ids of events, results of checks, and notifications."""
    with store.read() as session:
        found = [
            session.exec(select(func.max(table.id))).one() or 0
            for table in (EventRow, CheckResultRow, NotificationRow)
        ]
    return found[0], found[1], found[2]


def events_after(
    store: Store, after: int, kinds: Sequence[str], *, limit: int = 500
) -> tuple[Sequence[EventRow], int]:
    """Events of some kinds after an id, oldest first, and the id up to which these are all."""
    with store.read() as session:
        newest = session.exec(select(func.max(EventRow.id))).one() or 0
        rows = session.exec(
            select(EventRow)
            .where(col(EventRow.id) > after, col(EventRow.kind).in_(kinds))
            .order_by(col(EventRow.id))
            .limit(limit)
        ).all()
    seen = rows[-1].id or 0 if len(rows) == limit else newest
    return rows, max(after, seen)


def run_story(store: Store, run_id: int) -> RunStory | None:
    """A run, its project, stages and findings; None for one that is gone."""
    with store.read() as session:
        run = session.get(Run, run_id)
        if run is None:
            return None
        project = session.get(Project, run.project_id) if run.project_id else None
        stages = session.exec(
            select(StageRow)
            .where(StageRow.run_id == run_id, ~col(StageRow.superseded))
            .order_by(col(StageRow.id))
        ).all()
        findings = session.exec(
            select(FindingRow)
            .where(FindingRow.run_id == run_id, ~col(FindingRow.superseded))
            .order_by(col(FindingRow.id))
            .limit(500)
        ).all()
    counted = counted_stages(stages, run.result_attempt)
    return RunStory(
        run,
        project,
        [each for each in counted if each.status is StageStatus.FAILED],
        of_stages(findings, counted),
    )


def ended_runs(store: Store, since: datetime, *, limit: int = 500) -> list[tuple[int, str]]:
    """Number and workflow of runs that ended after a time, oldest first."""
    ended = (RunStatus.SUCCESS, RunStatus.FAILED)
    with store.read() as session:
        rows = session.exec(
            select(Run.id, Run.workflow_id)
            .where(col(Run.status).in_(ended), col(Run.completed_at) > since)
            .order_by(col(Run.completed_at).desc())
            .limit(limit)
        ).all()
    return [(number, workflow) for number, workflow in reversed(rows) if number is not None]


def check_result(store: Store, result_id: int) -> tuple[CheckResultRow, Project | None] | None:
    """A result of a check with its project; None for one that is gone."""
    with store.read() as session:
        row = session.get(CheckResultRow, result_id)
        if row is None:
            return None
        return row, session.get(Project, row.project_id) if row.project_id else None


def check_beats(store: Store, names: Collection[str]) -> dict[str, tuple[datetime, bool]]:
    """When the schedule ran each check last, and whether it failed for some project.

    A result that is confirmed is one that the schedule found to stand.
    """
    newest = (
        select(func.max(CheckResultRow.id))
        .where(col(CheckResultRow.check_name).in_(names))
        .group_by(col(CheckResultRow.check_name), col(CheckResultRow.project_id))
    )
    found: dict[str, tuple[datetime, bool]] = {}
    with store.read() as session:
        for row in session.exec(select(CheckResultRow).where(col(CheckResultRow.id).in_(newest))):
            if row.triggered_by is not Trigger.SCHEDULE and row.confirmed_at <= row.timestamp:
                continue
            failed = row.status is CheckStatus.ERROR
            at, failed_too = found.get(row.check_name, (row.confirmed_at, False))
            found[row.check_name] = (max(at, row.confirmed_at), failed or failed_too)
    return found


def results_after(store: Store, after: int, *, limit: int = 500) -> Sequence[int]:
    """Ids of results of checks after one, oldest first."""
    with store.read() as session:
        found = session.exec(
            select(CheckResultRow.id)
            .where(col(CheckResultRow.id) > after)
            .order_by(col(CheckResultRow.id))
            .limit(limit)
        ).all()
    return [number for number in found if number is not None]


def write_turn(
    store: Store,
    recorded: Sequence[NotificationRow],
    decide: Callable[[Sequence[int]], Turn],
) -> None:
    """Write what happened, what is remembered and what is to be sent, all or none.

    Args:
        recorded: new notifications.
        decide: is given their ids, and says the rest; asks the store nothing.
    """
    with store.write() as session:
        session.add_all(recorded)
        session.flush()
        turn = decide([row.number for row in recorded])
        _put_state(session, turn.state)
        for channel, key in turn.superseded:
            session.exec(
                update(DeliveryRow)
                .where(
                    col(DeliveryRow.channel) == channel,
                    col(DeliveryRow.key) == key,
                    col(DeliveryRow.status) == DeliveryStatus.WAITING,
                )
                .values(status=DeliveryStatus.SUPERSEDED)
            )
        session.add_all(turn.deliveries)


def add_delivery(store: Store, row: DeliveryRow) -> DeliveryRow:
    """Write a delivery that somebody asked for."""
    with store.write() as session:
        session.add(row)
        session.flush()
        session.refresh(row)
    return row


def get_delivery(store: Store, number: int) -> DeliveryRow:
    """A delivery by its id.

    Raises:
        UsageError: there is none.
    """
    with store.read() as session:
        row = session.get(DeliveryRow, number)
    if row is None:
        raise UsageError(f"no delivery {number}")
    return row


def open_deliveries(store: Store) -> Sequence[DeliveryRow]:
    """Deliveries that have not ended, oldest first."""
    with store.read() as session:
        return session.exec(
            select(DeliveryRow)
            .where(col(DeliveryRow.status).in_(_OPEN))
            .order_by(col(DeliveryRow.id))
        ).all()


def begin_delivery(store: Store, number: int) -> bool:
    """Say that a delivery is being sent; False where it does not wait any more."""
    with store.write() as session:
        row = session.get(DeliveryRow, number)
        if row is None or row.status is not DeliveryStatus.WAITING:
            return False
        row.status = DeliveryStatus.SENDING
        row.attempts += 1
        session.add(row)
    return True


def change_delivery(
    store: Store, number: int, state: Mapping[str, dict[str, Any] | None], **values: Any
) -> None:
    """Write how a delivery stands, and what is remembered of its channel, both or none."""
    with store.write() as session:
        session.exec(update(DeliveryRow).where(col(DeliveryRow.id) == number).values(**values))
        _put_state(session, state)


def last_of_key(store: Store, channel: str, key: str) -> DeliveryRow | None:
    """The newest delivery to a channel with a key."""
    with store.read() as session:
        return session.exec(
            select(DeliveryRow)
            .where(DeliveryRow.channel == channel, DeliveryRow.key == key)
            .order_by(col(DeliveryRow.id).desc())
            .limit(1)
        ).first()


def last_deliveries(store: Store, channels: Iterable[str]) -> dict[str, DeliveryRow]:
    """The last delivery of each channel that was tried at least once, by channel."""
    with store.read() as session:
        found = [
            session.exec(
                select(DeliveryRow)
                .where(DeliveryRow.channel == channel, col(DeliveryRow.attempts) > 0)
                .order_by(col(DeliveryRow.id).desc())
                .limit(1)
            ).first()
            for channel in channels
        ]
    return {row.channel: row for row in found if row is not None}


def deliveries_of(store: Store, notification: int) -> Sequence[DeliveryRow]:
    """Deliveries that tell a notification, oldest first."""
    told = text(
        "EXISTS (SELECT 1 FROM json_each(delivery.notifications) AS told WHERE told.value = :id)"
    ).bindparams(id=notification)
    with store.read() as session:
        return session.exec(select(DeliveryRow).where(told).order_by(col(DeliveryRow.id))).all()


def get_notification(store: Store, number: int) -> NotificationRow:
    """A notification by its id.

    Raises:
        NotFoundError: there is none.
    """
    row = None
    if 0 < number < 2**63:
        with store.read() as session:
            row = session.get(NotificationRow, number)
    if row is None:
        raise NotFoundError(f"no notification {number}")
    return row


def list_notifications(
    store: Store, *, limit: int = 200, before: int | None = None, unread: bool = False
) -> Sequence[NotificationRow]:
    """Notifications, newest first, a page at a time.

    Args:
        before: only those with a smaller id, for the next page.
        unread: only those that nobody read.
    """
    query = select(NotificationRow).order_by(col(NotificationRow.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(NotificationRow.id) < before)
    if unread:
        query = query.where(col(NotificationRow.read_at).is_(None))
    with store.read() as session:
        return session.exec(query).all()


def count_unread(store: Store) -> int:
    """How many notifications nobody read."""
    query = select(func.count()).where(col(NotificationRow.read_at).is_(None))
    with store.read() as session:
        return session.exec(query).one()


def notices_after(store: Store, after: int, *, limit: int = 500) -> Sequence[NotificationRow]:
    """The newest notices after an id, oldest first."""
    with store.read() as session:
        found = session.exec(
            select(NotificationRow)
            .where(
                col(NotificationRow.id) > after,
                col(NotificationRow.kind) == NotificationKind.NOTICE,
            )
            .order_by(col(NotificationRow.id).desc())
            .limit(limit)
        ).all()
    return found[::-1]


def mark_read(store: Store, numbers: Sequence[int] | None, at: datetime) -> int:
    """Say that notifications were read.

    Args:
        numbers: their ids, None for all.

    Returns:
        How many were not read before.
    """
    query = update(NotificationRow).where(col(NotificationRow.read_at).is_(None))
    if numbers is not None:
        query = query.where(col(NotificationRow.id).in_(numbers))
    with store.write() as session:
        changed = session.exec(query.values(read_at=at))
        return int(changed.rowcount)


def add_mute(store: Store, mute: MuteRow) -> MuteRow:
    """Mute a channel, a project, or both; replaces the mute of the same."""
    with store.write() as session:
        _drop_mutes(session, mute.channel, mute.project)
        session.add(mute)
        session.flush()
        session.refresh(mute)
    return mute


def remove_mutes(store: Store, channel: str, project: str) -> int:
    """Lift the mute of a channel, a project, or both; how many there were."""
    with store.write() as session:
        return _drop_mutes(session, channel, project)


def active_mutes(store: Store, now: datetime) -> Sequence[MuteRow]:
    """Mutes that hold, the first to end first."""
    with store.read() as session:
        return session.exec(
            select(MuteRow).where(col(MuteRow.until) > now).order_by(col(MuteRow.until))
        ).all()


def project_ids(store: Store) -> set[str]:
    """Ids of all projects."""
    with store.read() as session:
        return set(map(str, session.exec(select(Project.id))))


def remove_old(store: Store, before: datetime) -> None:
    """Delete notifications, ended deliveries and mutes that are older."""
    with store.write() as session:
        session.exec(delete(NotificationRow).where(col(NotificationRow.at) < before))
        session.exec(
            delete(DeliveryRow).where(
                col(DeliveryRow.created_at) < before, col(DeliveryRow.status).not_in(_OPEN)
            )
        )
        session.exec(delete(MuteRow).where(col(MuteRow.until) < before))


def _put_state(session: Session, state: Mapping[str, dict[str, Any] | None]) -> None:
    for key in [key for key, body in state.items() if body is None]:
        session.exec(delete(NotifyStateRow).where(col(NotifyStateRow.key) == key))
    if kept := [{"key": key, "body": body} for key, body in state.items() if body is not None]:
        put = insert(NotifyStateRow)
        put = put.on_conflict_do_update(
            index_elements=[col(NotifyStateRow.key)], set_={"body": put.excluded.body}
        )
        session.execute(put, kept)


def _drop_mutes(session: Session, channel: str, project: str) -> int:
    gone = session.exec(
        delete(MuteRow).where(col(MuteRow.channel) == channel, col(MuteRow.project) == project)
    )
    return int(gone.rowcount)
