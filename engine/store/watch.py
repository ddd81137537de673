"""What is asked of the watch table: what starts builds by itself, project by project."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from sqlmodel import select

from engine.store.database import Store
from engine.store.tables import WatchRow


def get_watch(store: Store, project_id: uuid.UUID) -> WatchRow:
    """How what starts builds of a project stands; an empty row for one that was never looked at."""
    with store.read() as session:
        return session.get(WatchRow, project_id) or WatchRow(project_id=project_id)


def change_watch(
    store: Store, project_id: uuid.UUID, change: Callable[[WatchRow], None]
) -> WatchRow:
    """Change how that stands.

    Args:
        change: is given the row, as it stands now, and changes it; other writers wait meanwhile.
    """
    with store.write() as session:
        row = session.get(WatchRow, project_id) or WatchRow(project_id=project_id)
        change(row)
        session.add(row)
    return row


def failing_watches(store: Store) -> Mapping[uuid.UUID, WatchRow]:
    """The watch of each project whose source did not answer last."""
    with store.read() as session:
        rows = session.exec(select(WatchRow).where(WatchRow.failures > 0)).all()
    return {row.project_id: row for row in rows}
