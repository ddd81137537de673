"""Tokens of the HTTP API, and the audit log."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.enums import Scope
from engine.errors import UsageError
from engine.store import access
from engine.store.database import Store
from engine.store.tables import AuditRow, TokenRow, utc_now

TOKEN_PREFIX = "espdeck_"  # noqa: S105 (scanners for leaked secrets look for it)
"""How every token begins."""

_TOKEN_BYTES = 32
_MAX_TOKEN_CHARACTERS = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
_USE_NOTED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Args:
        name: of the token.
        scope: what it allows.
        token_id: of the token's row.
    """

    name: str
    scope: Scope
    token_id: int


class Access:
    """Tokens and audit log of a workspace. All calls may block: keep them off an event loop.

    Args:
        store: keeps them.
        now: the clock by which tokens expire.
    """

    def __init__(self, store: Store, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    def create_token(
        self, name: str, scope: Scope, lifetime: timedelta | None = None
    ) -> tuple[str, TokenRow]:
        """Make a token.

        Args:
            name: what it is called in lists and in the audit log.
            scope: what it allows.
            lifetime: after which it is none any more; None for ever.

        Returns:
            The token itself, which is kept nowhere, and its row.

        Raises:
            UsageError: the name or the lifetime makes no sense.
            ConflictError: there is one of that name.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"token name {name[:80]!r}: 1 to 64 letters, digits, spaces and . _ @ -"
            )
        if lifetime is not None and lifetime <= timedelta():
            raise UsageError("a token lives for more than no time")
        token = f"{TOKEN_PREFIX}{secrets.token_urlsafe(_TOKEN_BYTES)}"
        now = self._now()
        row = TokenRow(
            name=name,
            sha256=_hash(token),
            scope=scope,
            created_at=now,
            expires_at=now + lifetime if lifetime is not None else None,
        )
        return token, access.add_token(self._store, row)

    def tokens(self) -> Sequence[TokenRow]:
        """Every token, also expired and revoked ones, by name."""
        return access.list_tokens(self._store)

    def revoke_token(self, name: str) -> TokenRow:
        """Let a token be none from now on.

        Raises:
            NotFoundError: there is none of that name.
        """
        return access.revoke_token(self._store, name, self._now())

    def verify(self, token: str) -> Principal | None:
        """Who it is that has a token; None for one that is none, has expired or was revoked.

        It is looked up by its SHA-256, so how long that takes tells nothing of the tokens there
        are.
        """
        if not token.startswith(TOKEN_PREFIX) or len(token) > _MAX_TOKEN_CHARACTERS:
            return None
        row = access.token_with(self._store, _hash(token))
        now = self._now()
        if row is None or row.id is None or row.revoked_at is not None:
            return None
        if row.expires_at is not None and row.expires_at <= now:
            return None
        if row.used_at is None or now - row.used_at >= _USE_NOTED:
            access.note_use(self._store, row.id, now)
        return Principal(row.name, row.scope, row.id)

    def record(self, entry: AuditRow) -> None:
        """Add to the audit log."""
        access.add_audit(self._store, entry)

    def audit(self, *, limit: int = 200, before: int | None = None) -> Sequence[AuditRow]:
        """Entries of the audit log, newest first (see :func:`engine.store.access.list_audit`)."""
        return access.list_audit(self._store, limit=limit, before=before)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
