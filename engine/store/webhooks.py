"""What is asked of the deliveries of webhooks: the queue of what is to be worked off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from engine.enums import Forge, HookStatus
from engine.errors import NotFoundError
from engine.store.database import Store
from engine.store.tables import HookDelivery


def add_delivery(store: Store, row: HookDelivery) -> tuple[HookDelivery, bool]:
    """Write a delivery, unless it was written before.

    Returns:
        It as it stands, and whether it is new.
    """
    with store.write() as session:
        known = session.exec(
            select(HookDelivery).where(
                HookDelivery.forge == row.forge, HookDelivery.delivery_id == row.delivery_id
            )
        ).first()
        if known is not None:
            return known, False
        session.add(row)
        session.flush()
        session.refresh(row)
    return row, True


def get_delivery(store: Store, number: int) -> HookDelivery:
    """A delivery by its number.

    Raises:
        NotFoundError: there is none.
    """
    with store.read() as session:
        row = session.get(HookDelivery, number)
    if row is None:
        raise NotFoundError(f"no webhook {number}")
    return row


def list_deliveries(
    store: Store,
    *,
    status: HookStatus | None = None,
    forge: Forge | None = None,
    limit: int = 50,
    before: int | None = None,
) -> Sequence[HookDelivery]:
    """Deliveries, newest first, a page at a time.

    Args:
        before: only those with a smaller number, for the next page.
    """
    query = select(HookDelivery).order_by(col(HookDelivery.id).desc()).limit(limit)
    if status is not None:
        query = query.where(HookDelivery.status == status)
    if forge is not None:
        query = query.where(HookDelivery.forge == forge)
    if before is not None:
        query = query.where(col(HookDelivery.id) < before)
    with store.read() as session:
        return session.exec(query).all()


def waiting_deliveries(store: Store) -> Sequence[HookDelivery]:
    """Deliveries that are to be worked off, oldest first; a thousand at the most."""
    query = (
        select(HookDelivery)
        .where(HookDelivery.status == HookStatus.WAITING)
        .order_by(col(HookDelivery.id))
        .limit(1000)
    )
    with store.read() as session:
        return session.exec(query).all()


def change_delivery(store: Store, number: int, **values: Any) -> HookDelivery | None:
    """Change a delivery; None where it is gone."""
    with store.write() as session:
        row = session.get(HookDelivery, number)
        if row is not None:
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
    return row


def remove_deliveries(store: Store, before: datetime, most: int) -> None:
    """Delete what was done with earlier, and beyond a number the oldest."""
    with store.write() as session:
        done = col(HookDelivery.status) != HookStatus.WAITING
        session.execute(delete(HookDelivery).where(done, col(HookDelivery.received_at) < before))
        newest = select(HookDelivery.id).order_by(col(HookDelivery.id).desc()).offset(most).limit(1)
        limit = session.exec(newest).first()
        if limit is not None:
            session.execute(delete(HookDelivery).where(done, col(HookDelivery.id) <= limit))
