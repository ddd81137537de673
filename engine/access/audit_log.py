"""The audit log: written by one thread, so that nobody waits for the disk to be answered.

Nobody fills it. Of strangers, and of those who are refused, a few entries a minute are written, of
each address and of all together; they push out none of what was done
(:data:`engine.store.access.KEPT_OF_STRANGERS`). Of a token it is one a second after a burst. How
many were not written is told by the next that is.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic

from engine.access.rate_limits import RateLimit, address_key
from engine.store import access
from engine.store.database import Store, StoreError
from engine.store.tables import AuditRow
from engine.text import clean, mask_tokens

REFUSED_STATUSES = access.REFUSED_STATUSES

_MAX_QUEUE = 2_000
_FLUSH_SECONDS = 2.0
_RETRY_SECONDS = 1.0
_STRANGERS_PER_SECOND = 10 / 60  # of an address; the same six times over for all together
_STRANGER_BURST = 20
_ALL_ADDRESSES = 6
_TOKEN_PER_SECOND = 1.0
_TOKEN_BURST = 500
_STRANGERS = ""
_MAX_TEXT = {"actor": 64, "address": 64, "action": 200, "subject": 300, "detail": 300}

_LOG = logging.getLogger("espdeck.audit")


class AuditLog:
    """Writes what is recorded, soon, in the order in which it came. Any thread may call.

    Its thread starts with the first entry. A queue that is full, as the database is locked for
    long, drops what comes then; how much is logged.

    Args:
        store: keeps it.
        clock: seconds that only go forward.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._queue: deque[AuditRow] = deque()
        self._uses: dict[int, datetime] = {}
        self._changed = threading.Condition()
        self._writing = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._of_address = RateLimit(_STRANGERS_PER_SECOND, _STRANGER_BURST, clock)
        self._of_all = RateLimit(
            _STRANGERS_PER_SECOND * _ALL_ADDRESSES, _STRANGER_BURST * _ALL_ADDRESSES, clock
        )
        self._of_token = RateLimit(_TOKEN_PER_SECOND, _TOKEN_BURST, clock)
        self._untold: Counter[str] = Counter()
        """What was not written of strangers, and of each token by its name."""
        self._dropped = 0

    def record(self, entry: AuditRow) -> None:
        """Add an entry; its texts may be anything that a stranger sends."""
        is_strange = not entry.actor or entry.status in REFUSED_STATUSES
        whose = _STRANGERS if is_strange else entry.actor
        if self._is_flood(entry, whose):
            with self._changed:
                self._untold[whose] += 1
            return
        for name, most in _MAX_TEXT.items():
            text = mask_tokens(clean(str(getattr(entry, name))))
            setattr(entry, name, text[:most])
        with self._changed:
            if untold := self._untold.pop(whose, 0):
                entry.detail = f"{entry.detail} ({untold} more before are not listed)".strip()
            if len(self._queue) >= _MAX_QUEUE or self._closed:
                self._dropped += 1
                return
            self._queue.append(entry)
            self._wake()

    def note_use(self, token_id: int, at: datetime) -> None:
        """Write down when a token was used last."""
        with self._changed:
            if not self._closed:
                self._uses[token_id] = at
                self._wake()

    def flush(self, within: float = _FLUSH_SECONDS) -> bool:
        """Wait until what was recorded is written.

        Returns:
            Whether it is, within that many seconds.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._queue or self._uses or self._writing), within
            )

    def close(self) -> None:
        """Write what waits, and take no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_FLUSH_SECONDS)

    def _is_flood(self, entry: AuditRow, whose: str) -> bool:
        if whose != _STRANGERS:
            return self._of_token.take(whose) > 0
        return self._of_address.take(address_key(entry.address)) > 0 or self._of_all.take("") > 0

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_loop, name="audit", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _write_loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._uses or self._closed)
                if not (self._queue or self._uses):
                    return
                entries, uses = list(self._queue), self._uses
                self._queue.clear()
                self._uses = {}
                self._writing = True
            try:
                self._write(entries, uses)
            except Exception:  # what comes later is still to be written
                _LOG.exception("audit log: %d entries were not written", len(entries))
            finally:
                with self._changed:
                    self._writing = False
                    self._changed.notify_all()

    def _write(self, entries: Sequence[AuditRow], uses: dict[int, datetime]) -> None:
        fresh = [AuditRow(**entry.model_dump(exclude={"id"})) for entry in entries]
        try:
            access.note_uses(self._store, uses)
            access.add_audit(self._store, fresh)  # the last: none is written twice
        except StoreError as error:
            self._keep(entries, error)
            return
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            _LOG.error("audit log: %d entries were dropped while it could not be written", dropped)

    def _keep(self, entries: Sequence[AuditRow], error: StoreError) -> None:
        """Have what could not be written be written later, as far as there is room."""
        with self._changed:
            if not self._closed:
                self._queue.extendleft(reversed(entries))
                while len(self._queue) > _MAX_QUEUE:
                    self._queue.pop()
                    self._dropped += 1
                _LOG.warning("audit log: written later: %s", error)
                self._changed.wait_for(lambda: self._closed, _RETRY_SECONDS)
                return
        _LOG.error("audit log: %d entries were not written: %s", len(entries), error)
