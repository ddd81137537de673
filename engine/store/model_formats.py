"""What is asked of the edit formats of models: how their answers went."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete
from sqlmodel import col, select

from engine.store.database import Store
from engine.store.tables import ModelFormatRow, utc_now

MAX_ROWS = 1000
"""Rows that are kept: those that were not asked for the longest go."""

MAX_ANSWERS = 40
"""Answers of a model in a format that count: when there are more, all count half."""


def formats_of(store: Store, server: str, model: str) -> Sequence[ModelFormatRow]:
    """How the answers of a model went, a row for each format that it has used."""
    query = select(ModelFormatRow).where(
        ModelFormatRow.server == server, ModelFormatRow.model == model
    )
    with store.read() as session:
        return session.exec(query).all()


def count_answer(
    store: Store, server: str, model: str, edit_format: str, *, accepted: bool
) -> None:
    """Count an answer."""
    with store.write() as session:
        row = session.get(ModelFormatRow, (server, model, edit_format))
        if row is None:
            row = ModelFormatRow(server=server, model=model, edit_format=edit_format)
            updated_at = col(ModelFormatRow.updated_at)
            stale = select(updated_at).order_by(updated_at.desc()).offset(MAX_ROWS - 1).limit(1)
            oldest = session.exec(stale).first()
            if oldest is not None:
                session.execute(delete(ModelFormatRow).where(updated_at <= oldest))
        if accepted:
            row.accepted += 1
        else:
            row.refused += 1
        if row.accepted + row.refused > MAX_ANSWERS:
            row.accepted, row.refused = row.accepted // 2, row.refused // 2
        row.updated_at = utc_now()
        session.add(row)
