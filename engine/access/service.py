"""Tokens of the HTTP API, browsers that logged in with one, tickets, and the audit log."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic

from engine.access.audit_log import AuditLog
from engine.access.principal import Principal
from engine.access.rate_limits import RateLimit, address_key
from engine.access.recent import Known, RecentlyKnown
from engine.access.tickets import Tickets
from engine.access.token_format import (
    hash_of,
    is_secret,
    is_token,
    new_secret,
    new_token,
)
from engine.enums import Scope, TokenStatus
from engine.errors import UsageError
from engine.store import access
from engine.store.database import Store
from engine.store.tables import AuditRow, LoginSessionRow, TokenRow, utc_now
from engine.text import clean

LOGIN_LIFETIME = timedelta(days=7)
"""How long a browser stays logged in, unless its token ends before."""

_NAME_CHARACTERS = 64
_USE_NOTED = timedelta(minutes=1)
_MAX_SESSIONS_PER_TOKEN = 50
_FAILURES_PER_SECOND = 0.5
_FAILURE_BURST = 20
_REQUESTS_PER_SECOND = 200.0
_REQUEST_BURST = 2_000
_MAX_LIFETIME = timedelta(days=36_500)


class Access:
    """Tokens, login sessions, tickets and audit log of a workspace. Any thread may call.

    The calls that ask the store may block: keep them off an event loop. :meth:`remembered_token`,
    :meth:`remembered_session`, :meth:`record` and those that count do not.

    Args:
        store: keeps them.
        now: the clock by which tokens and sessions expire.
        clock: seconds that only go forward, by which tickets do.

    Attributes:
        cookie_name: of login sessions. Cookies know hosts but not ports, so that two espdecks of a
            machine would else log each other's users out.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._now = now
        self.cookie_name = f"espdeck_{hash_of(str(store.path.resolve()))[:8]}"
        self._recent = RecentlyKnown(clock)
        self._tickets = Tickets(clock)
        self._audit = AuditLog(store, clock)
        self._failures = RateLimit(_FAILURES_PER_SECOND, _FAILURE_BURST, clock)
        self._requests = RateLimit(_REQUESTS_PER_SECOND, _REQUEST_BURST, clock)

    def close(self) -> None:
        """Write what waits for the audit log."""
        self._audit.close()

    def create_token(
        self, name: str, scope: Scope, lifetime: timedelta | None = None
    ) -> tuple[str, TokenRow]:
        """Make a token.

        Args:
            name: what it is called in lists and in the audit log; that of a token which was
                revoked or has expired may be used again.
            scope: what it allows.
            lifetime: after which it is none any more; None for ever.

        Returns:
            The token itself, which is kept nowhere, and its row.

        Raises:
            UsageError: the name or the lifetime makes no sense.
            ConflictError: there is one of that name.
        """
        name = unicodedata.normalize("NFC", name)  # else two that look alike would be two
        is_short = 1 <= len(name) <= _NAME_CHARACTERS
        if not (is_short and name.isprintable() and name == name.strip() and "/" not in name):
            raise UsageError(
                f"token name {clean(name)[:80]!r}: give 1 to {_NAME_CHARACTERS} printable "
                "characters, none of them /, without a space at either end"
            )
        if is_token(name):
            raise UsageError("token name: that is a token, and names are shown to others")
        if lifetime is not None and not timedelta() < lifetime <= _MAX_LIFETIME:
            raise UsageError("a token must expire after more than 0 s and at most 100 years")
        token = new_token()
        now = self._now()
        row = TokenRow(
            name=name,
            sha256=hash_of(token),
            scope=scope,
            created_at=now,
            expires_at=now + lifetime if lifetime is not None else None,
        )
        return token, access.add_token(self._store, row)

    def tokens(self) -> Sequence[TokenRow]:
        """Every token, by name; also those that ended within the last 90 days."""
        return access.list_tokens(self._store)

    def revoke_token(self, name: str) -> TokenRow:
        """Let a token be none from now on; browsers that logged in with it are logged out.

        Raises:
            NotFoundError: there is none of that name.
        """
        row = access.revoke_token(self._store, unicodedata.normalize("NFC", name), self._now())
        self._recent.forget()
        return row

    def verify(self, token: str) -> Principal | None:
        """Who it is that has a token; None for one that is none, has expired or was revoked.

        It is looked up by its SHA-256, so how long that takes tells nothing of the tokens there
        are. What another process revokes ends within a second, what this one does at once.
        """
        if not is_token(token):
            return None
        sha256 = hash_of(token)
        return self._good(self._recent.get(sha256)) or self._look_up(sha256, self._token)

    def session(self, cookie: str) -> Principal | None:
        """Who it is whose browser has a cookie of :meth:`open_session`; None as :meth:`verify`."""
        if not is_secret(cookie):
            return None
        sha256 = hash_of(cookie)
        return self._good(self._recent.get(sha256)) or self._look_up(sha256, self._login_session)

    def remembered_token(self, token: str) -> Principal | None:
        """Whose token it is, where that was asked less than a second ago; never blocks.

        None says nothing: :meth:`verify` tells.
        """
        return self._good(self._recent.get(hash_of(token))) if is_token(token) else None

    def remembered_session(self, cookie: str) -> Principal | None:
        """Whose cookie it is, as :meth:`remembered_token`; else :meth:`session` tells."""
        return self._good(self._recent.get(hash_of(cookie))) if is_secret(cookie) else None

    def holds(self, principal: Principal) -> bool:
        """Whether who asked some time ago, and is still answered, might still ask."""
        key = f"{principal.token_id} {principal.session_id}"
        if self._good(self._recent.get(key)) is not None:
            return True
        return self._look_up(key, lambda _key: self._again(principal)) is not None

    def open_session(self, token: str) -> str | None:
        """Log a browser in.

        Returns:
            What its cookie is to hold, a random value that is kept nowhere; None where
            :meth:`verify` knows no such token.
        """
        principal = self.verify(token)
        if principal is None:
            return None
        cookie = new_secret()
        now = self._now()
        row = LoginSessionRow(
            sha256=hash_of(cookie),
            token_id=principal.token_id,
            created_at=now,
            expires_at=now + LOGIN_LIFETIME,
        )
        access.add_login_session(self._store, row, _MAX_SESSIONS_PER_TOKEN)
        return cookie

    def close_session(self, cookie: str) -> None:
        """Log a browser out."""
        access.end_login_session(self._store, hash_of(cookie))
        self._recent.forget()

    def issue_ticket(self, principal: Principal, path: str) -> str:
        """Make a ticket: it lets whoever has it ask once, within a minute, for one path.

        Args:
            principal: who asks for it, and counts as the one who uses it.
            path: of the request, decoded, from the root of the server.

        Raises:
            UsageError: it is no path.
            ConflictError: too many tickets wait to be used.
        """
        if not path.startswith("/") or len(path) > 2_000:
            raise UsageError("path: a path such as /api/v1/events, at most 2,000 characters")
        return self._tickets.issue(principal, path)

    def redeem_ticket(self, ticket: str, path: str) -> Principal | None:
        """Use a ticket up.

        Returns:
            Who asked for it; None for one that is none, was used, has expired, is for another
            path, or whose token or login session has ended.
        """
        principal = self._tickets.redeem(ticket, path)
        return principal if principal is not None and self.holds(principal) else None

    def count_failure(self, address: str) -> float:
        """Count that somebody at an address is not known.

        A good token is never refused for it: it may be of a neighbour behind the same proxy, or of
        another user of this machine, and 256 random bits are not guessed.

        Returns:
            0.0 where that was not too often of late; else the seconds to wait.
        """
        return self._failures.take(address_key(address))

    def count_request(self, principal: Principal) -> float:
        """Count a request of a token.

        Returns:
            0.0 where it may be answered; else the seconds to wait.
        """
        return self._requests.take(principal.token_id)

    def record(self, entry: AuditRow) -> None:
        """Add to the audit log, soon (see :class:`engine.access.audit_log.AuditLog`)."""
        self._audit.record(entry)

    def audit(self, *, limit: int = 200, before: int | None = None) -> Sequence[AuditRow]:
        """Entries of the audit log, newest first (see :func:`engine.store.access.list_audit`)."""
        self._audit.flush()
        return access.list_audit(self._store, limit=limit, before=before)

    def _good(self, known: Known | None) -> Principal | None:
        if known is None or (known.expires_at is not None and known.expires_at <= self._now()):
            return None
        return known.principal

    def _look_up(self, key: str, ask: Callable[[str], Known | None]) -> Principal | None:
        generation = self._recent.generation
        known = ask(key)
        if known is None:
            return None
        self._recent.put(key, known, generation)
        return known.principal

    def _token(self, sha256: str) -> Known | None:
        row = access.token_with(self._store, sha256)
        return self._known(row) if row is not None else None

    def _login_session(self, sha256: str) -> Known | None:
        found = access.login_session_with(self._store, sha256)
        return self._known(found[1], found[0]) if found is not None else None

    def _again(self, principal: Principal) -> Known | None:
        token = access.token_of_id(self._store, principal.token_id)
        if token is None:
            return None
        if principal.session_id is None:
            return self._known(token)
        session = access.login_session_of_id(self._store, principal.session_id)
        return self._known(token, session) if session is not None else None

    def _known(self, token: TokenRow, session: LoginSessionRow | None = None) -> Known | None:
        """What is true of a token, and of a session of it; None where one of them has ended."""
        now = self._now()
        if token.id is None or token.status(now) is not TokenStatus.ACTIVE:
            return None
        expires_at = token.expires_at
        if session is not None:
            if session.expires_at <= now:
                return None
            expires_at = min(filter(None, (expires_at, session.expires_at)))
        if token.used_at is None or now - token.used_at >= _USE_NOTED:
            self._audit.note_use(token.id, now)
        principal = Principal(
            token.name, token.scope, token.id, session.id if session is not None else None
        )
        return Known(principal, expires_at)
