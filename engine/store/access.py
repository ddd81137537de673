"""What is asked of tokens of the HTTP API and of what was done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from engine.enums import TokenStatus
from engine.errors import ConflictError, NotFoundError
from engine.store.database import Store
from engine.store.tables import AuditRow, LoginSessionRow, TokenRow
from engine.text import near

KEPT_AUDIT_ROWS = 20_000
"""Entries of the audit log that are kept of what tokens did."""

KEPT_OF_STRANGERS = 2_000
"""Entries that are kept beside them of what was refused, or asked by nobody who is known: they push
nothing out."""

REFUSED_STATUSES = (401, 403, 429)
"""HTTP statuses of what was refused."""

KEPT_ENDED_TOKENS = timedelta(days=90)
"""How long a token is still listed that was revoked or has expired."""


def add_token(store: Store, token: TokenRow) -> TokenRow:
    """Keep a new token, in place of one of the same name that was revoked or has expired.

    Tokens that ended long before it was created go.

    Raises:
        ConflictError: there is one of that name, which is in use.
    """
    now = token.created_at
    with store.write() as session:
        same_name = session.exec(select(TokenRow).where(TokenRow.name == token.name)).first()
        if same_name is not None and same_name.status(now) is TokenStatus.ACTIVE:
            raise ConflictError(
                f"there is a token {token.name!r} already: choose another name, or revoke it first"
            )
        session.exec(delete(TokenRow).where(col(TokenRow.name) == token.name))
        long_ago = now - KEPT_ENDED_TOKENS
        session.exec(
            delete(TokenRow).where(
                or_(col(TokenRow.revoked_at) <= long_ago, col(TokenRow.expires_at) <= long_ago)
            )
        )
        session.add(token)
        session.flush()
        session.refresh(token)
    return token


def token_with(store: Store, sha256: str) -> TokenRow | None:
    """The token with this hash, None where there is none."""
    with store.read() as session:
        return session.exec(select(TokenRow).where(TokenRow.sha256 == sha256)).first()


def token_of_id(store: Store, token_id: int) -> TokenRow | None:
    """The token with this id, None where there is none."""
    with store.read() as session:
        return session.get(TokenRow, token_id)


def list_tokens(store: Store) -> Sequence[TokenRow]:
    """Every token, also expired and revoked ones, by name."""
    with store.read() as session:
        return session.exec(select(TokenRow).order_by(TokenRow.name)).all()


def revoke_token(store: Store, name: str, now: datetime) -> TokenRow:
    """Let a token be none from now on; its login sessions end.

    Raises:
        NotFoundError: there is none of that name.
    """
    with store.write() as session:
        token = session.exec(select(TokenRow).where(TokenRow.name == name)).first()
        if token is None:
            meant = near(name, session.exec(select(TokenRow.name)).all())
            raise NotFoundError(f"no token {name[:80]!r}{meant or ' (espdeck token list)'}")
        token.revoked_at = token.revoked_at or now
        session.add(token)
        session.exec(delete(LoginSessionRow).where(col(LoginSessionRow.token_id) == token.id))
    return token


def note_uses(store: Store, uses: Mapping[int, datetime]) -> None:
    """Write down when tokens, told by their ids, were used last."""
    if not uses:
        return
    with store.write() as session:
        for token_id, at in uses.items():
            token = session.get(TokenRow, token_id)
            if token is not None:
                token.used_at = at
                session.add(token)


def add_login_session(store: Store, row: LoginSessionRow, most: int) -> LoginSessionRow:
    """Keep a login session; expired ones go, and the oldest of its token beyond ``most``."""
    with store.write() as session:
        session.exec(
            delete(LoginSessionRow).where(col(LoginSessionRow.expires_at) <= row.created_at)
        )
        session.add(row)
        session.flush()
        session.refresh(row)
        _drop_oldest_sessions(session, row.token_id, most)
    return row


def _drop_oldest_sessions(session: Session, token_id: int, most: int) -> None:
    newest = (
        select(LoginSessionRow.id)
        .where(LoginSessionRow.token_id == token_id)
        .order_by(col(LoginSessionRow.id).desc())
        .limit(most)
    )
    session.exec(
        delete(LoginSessionRow).where(
            col(LoginSessionRow.token_id) == token_id, col(LoginSessionRow.id).not_in(newest)
        )
    )


def login_session_with(store: Store, sha256: str) -> tuple[LoginSessionRow, TokenRow] | None:
    """The login session with this hash and its token, None where there is none."""
    query = (
        select(LoginSessionRow, TokenRow)
        .where(LoginSessionRow.sha256 == sha256)
        .where(TokenRow.id == LoginSessionRow.token_id)
    )
    with store.read() as session:
        return session.exec(query).first()


def login_session_of_id(store: Store, session_id: int) -> LoginSessionRow | None:
    """The login session with this id, None where there is none any more."""
    with store.read() as session:
        return session.get(LoginSessionRow, session_id)


def end_login_session(store: Store, sha256: str) -> None:
    """Forget the login session with this hash."""
    with store.write() as session:
        session.exec(delete(LoginSessionRow).where(col(LoginSessionRow.sha256) == sha256))


def add_audit(store: Store, entries: Sequence[AuditRow]) -> None:
    """Add to the audit log; the oldest go, of strangers and of others beyond their number each."""
    if not entries:
        return
    strange = or_(col(AuditRow.status).in_(REFUSED_STATUSES), col(AuditRow.actor) == "")
    with store.write() as session:
        session.add_all(entries)
        session.flush()
        for kind, kept in ((strange, KEPT_OF_STRANGERS), (~strange, KEPT_AUDIT_ROWS)):
            oldest = (
                select(AuditRow.id)
                .where(kind)
                .order_by(col(AuditRow.id).desc())
                .offset(kept)
                .limit(1)
                .scalar_subquery()
            )
            session.exec(delete(AuditRow).where(kind, col(AuditRow.id) <= oldest))


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
