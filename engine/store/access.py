"""What is asked of tokens of the HTTP API and of what was done with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func
from sqlmodel import col, select

from engine.errors import ConflictError, NotFoundError
from engine.store.database import Store
from engine.store.tables import AuditRow, TokenRow

KEPT_AUDIT_ROWS = 10_000
"""Entries of the audit log that are kept."""


def add_token(store: Store, token: TokenRow) -> TokenRow:
    """Keep a new token.

    Raises:
        ConflictError: there is one of that name, perhaps a revoked one.
    """
    with store.write() as session:
        if session.exec(select(TokenRow).where(TokenRow.name == token.name)).first():
            raise ConflictError(f"there is a token {token.name!r} already: choose another name")
        session.add(token)
        session.flush()
        session.refresh(token)
    return token


def token_with(store: Store, sha256: str) -> TokenRow | None:
    """The token with this hash, None where there is none."""
    with store.read() as session:
        return session.exec(select(TokenRow).where(TokenRow.sha256 == sha256)).first()


def list_tokens(store: Store) -> Sequence[TokenRow]:
    """Every token, also expired and revoked ones, by name."""
    with store.read() as session:
        return session.exec(select(TokenRow).order_by(TokenRow.name)).all()


def revoke_token(store: Store, name: str, now: datetime) -> TokenRow:
    """Let a token be none from now on.

    Raises:
        NotFoundError: there is none of that name.
    """
    with store.write() as session:
        token = session.exec(select(TokenRow).where(TokenRow.name == name)).first()
        if token is None:
            raise NotFoundError(f"no token {name!r} (espdeck token list)")
        token.revoked_at = token.revoked_at or now
        session.add(token)
    return token


def note_use(store: Store, token_id: int, now: datetime) -> None:
    """Write down when a token was used last."""
    with store.write() as session:
        token = session.get(TokenRow, token_id)
        if token is not None:
            token.used_at = now
            session.add(token)


def add_audit(store: Store, entry: AuditRow) -> None:
    """Add to the audit log; its oldest entries go."""
    with store.write() as session:
        session.add(entry)
        session.flush()
        newest = session.exec(select(func.max(AuditRow.id))).one() or 0
        session.exec(delete(AuditRow).where(col(AuditRow.id) <= newest - KEPT_AUDIT_ROWS))


def list_audit(store: Store, *, limit: int = 200, before: int | None = None) -> Sequence[AuditRow]:
    """Entries of the audit log, newest first.

    Args:
        before: only entries older than the one of this id.
    """
    query = select(AuditRow).order_by(col(AuditRow.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(AuditRow.id) < before)
    with store.read() as session:
        return session.exec(query).all()
