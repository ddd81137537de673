"""A short memory of what the store said of tokens and login sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from engine.access.principal import Principal

RECENT_SECONDS = 1.0
"""How long what the store said is taken for true: what another process revokes ends within it."""

_MAX_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """What the store said of a token or a login session.

    Args:
        principal: whose it is.
        expires_at: when it ends; None for never.
    """

    principal: Principal
    expires_at: datetime | None


class RecentlyKnown:
    """Remembers tokens and sessions that are good, by their hash, for a second. Any thread may
    call.

    Only good ones are remembered, so that guessing fills no memory.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[Known, float]] = {}
        self._forgotten = 0

    def get(self, sha256: str) -> Known | None:
        """What was remembered less than a second ago."""
        entry = self._entries.get(sha256)
        if entry is None or self._clock() >= entry[1]:
            return None
        return entry[0]

    @property
    def generation(self) -> int:
        """How often all was forgotten: read before the store is, told to :meth:`put`."""
        return self._forgotten

    def put(self, sha256: str, known: Known, generation: int) -> None:
        """Remember what the store said, unless something was revoked since it was asked."""
        now = self._clock()
        with self._lock:
            if generation != self._forgotten:
                return
            if len(self._entries) >= _MAX_ENTRIES:
                self._entries = {
                    key: entry for key, entry in self._entries.items() if now < entry[1]
                }
            if len(self._entries) < _MAX_ENTRIES:
                self._entries[sha256] = (known, now + RECENT_SECONDS)

    def forget(self) -> None:
        """Ask the store again: something was revoked."""
        with self._lock:
            self._forgotten += 1
            self._entries = {}
