"""Tickets: single-use stand-ins for a token where a browser can set no header.

They live in the memory of the process that serves, for a minute: what it gives out is used there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from engine.access.principal import Principal
from engine.access.token_format import hash_of, is_secret, new_secret
from engine.errors import ConflictError

TICKET_SECONDS = 60.0
"""How long a ticket can be used."""

_MAX_PER_TOKEN = 200
_MAX_TICKETS = 5_000


@dataclass(frozen=True, slots=True)
class _Ticket:
    principal: Principal
    path: str
    until: float


class Tickets:
    """Tickets that were given out and neither used nor expired. Any thread may call.

    Args:
        clock: seconds that only go forward, whatever happens to the time of day.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket] = {}  # by hash, oldest first

    def issue(self, principal: Principal, path: str) -> str:
        """Make a ticket for one request to a path.

        Raises:
            ConflictError: too many wait to be used.
        """
        ticket = new_secret()
        now = self._clock()
        with self._lock:
            self._drop_expired(now)
            of_token = sum(
                each.principal.token_id == principal.token_id for each in self._tickets.values()
            )
            if of_token >= _MAX_PER_TOKEN or len(self._tickets) >= _MAX_TICKETS:
                raise ConflictError(
                    f"{of_token} tickets wait to be used: use them, "
                    f"or wait {TICKET_SECONDS:.0f} s until they expire"
                )
            self._tickets[hash_of(ticket)] = _Ticket(principal, path, now + TICKET_SECONDS)
        return ticket

    def redeem(self, ticket: str, path: str) -> Principal | None:
        """Use a ticket up: who has it; None for one that is none, has expired, was used or is for
        another path. Of several that try at once, one gets it."""
        if not is_secret(ticket):
            return None
        with self._lock:
            self._drop_expired(self._clock())
            found = self._tickets.pop(hash_of(ticket), None)
        return found.principal if found is not None and found.path == path else None

    def _drop_expired(self, now: float) -> None:
        # All live equally long, so the oldest expire first.
        while self._tickets:
            oldest = next(iter(self._tickets))
            if now < self._tickets[oldest].until:
                return
            del self._tickets[oldest]
