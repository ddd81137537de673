"""Webhooks: taken at the door, kept, and worked off by the process that executes runs.

The row is the queue. Whoever takes a delivery writes it down before it is answered; an event of
the bus, which reaches other processes too, wakes who works it off. A process that dies in between
leaves it waiting, and what it had started by then is found and not started again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.cancel import CancelToken
from engine.enums import Forge, HookStatus
from engine.errors import AccessError, CancelledError, ConflictError, EspdeckError, Interrupted
from engine.events import Bus, Event, WebhookChanged
from engine.projects.repository_address import address_of
from engine.settings import Settings
from engine.store import webhooks as rows
from engine.store.database import StoreError
from engine.store.tables import HookDelivery
from engine.webhooks.payloads import HookEvent, Kind, read_payload
from engine.webhooks.senders import find_signer, read_headers
from engine.webhooks.work import HookServices, NotYetError, Outcome, work_off

RETRY_SECONDS = (2.0, 10.0, 60.0, 300.0, 900.0)
"""How long after each try the next one is; after the last there is none: remote_check looks."""

KEPT = timedelta(days=30)
"""How long deliveries are kept; one that is sent again later counts as new."""

KEPT_COUNT = 10_000
"""Deliveries that are kept."""

MAX_STARTS = 20
"""How often a delivery is begun at the most: one whose process dies each time is given up."""

_AT_ONCE = 4  # repositories whose deliveries are worked off at the same time
_REST_SECONDS = 60.0
_TROUBLE_SECONDS = 5.0

_LOG = logging.getLogger("espdeck.webhooks")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender is answered.

    Args:
        row: the delivery, as it is kept.
        is_new: whether it was not sent before, or failed then.
        message: one line.
    """

    row: HookDelivery
    is_new: bool
    message: str


class Webhooks:
    """Webhooks of a workspace. All calls may block: keep them off an event loop."""

    def __init__(self, services: HookServices, bus: Bus, now: Callable[[], datetime]) -> None:
        """Know what they are worked off with.

        Args:
            now: the clock.
        """
        self._services = services
        self._store = services.store
        self._bus = bus
        self._now = now
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._not_before: dict[int, datetime] = {}

    def receive(self, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Take a request of a forge: see that it is signed, then read it and write it down.

        Args:
            headers: by their names in small letters. Untrusted.
            body: as it was posted, of bounded size. Untrusted.

        Raises:
            AccessError: it is not signed, or no secret is set.
            UsageError: it is of no known forge, or no JSON.
            StoreError: it cannot be written down.
        """
        delivery = read_headers(headers, body)
        settings = self._services.settings()
        now = self._now()
        projects = _signed_for(settings, find_signer(delivery, _secrets(settings), now))
        event = read_payload(delivery.forge, delivery.event, delivery.payload)
        row = HookDelivery(
            forge=delivery.forge,
            delivery_id=delivery.delivery_id,
            event=delivery.event,
            body=event.model_dump_json(exclude_defaults=True),
            projects=projects,
            received_at=now,
        )
        if event.kind in (Kind.PING, Kind.OTHER):
            row.status, row.done_at = HookStatus.IGNORED, now
            row.message = event.why or "ping: the webhook is set up"
        row, is_new = rows.add_delivery(self._store, row)
        if not is_new and row.status is HookStatus.FAILED:
            return Receipt(self._again(row), True, "tried again, as it failed before")
        if not is_new:
            said = row.message or "it is queued"
            return Receipt(row, False, f"was delivered before: {said}")
        self._changed(row)
        if row.status is HookStatus.IGNORED:
            return Receipt(row, True, row.message)
        return Receipt(row, True, f"kept as webhook {row.id}: espdeck webhooks show {row.id}")

    def list(
        self,
        *,
        status: HookStatus | None = None,
        forge: Forge | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[HookDelivery]:
        """Deliveries, newest first (see :func:`engine.store.webhooks.list_deliveries`)."""
        return rows.list_deliveries(
            self._store, status=status, forge=forge, limit=limit, before=before
        )

    def get(self, number: int) -> HookDelivery:
        """A delivery by its number.

        Raises:
            NotFoundError: there is none.
        """
        return rows.get_delivery(self._store, number)

    def redeliver(self, number: int) -> HookDelivery:
        """Have a delivery worked off again, as if it had come now.

        Raises:
            NotFoundError: there is none.
            ConflictError: it waits, or told nothing that could be worked off.
        """
        row = self.get(number)
        if row.status is HookStatus.WAITING:
            raise ConflictError(f"webhook {number} is already queued")
        if (event := HookEvent.model_validate_json(row.body)).kind in (Kind.PING, Kind.OTHER):
            raise ConflictError(f"webhook {number}: {event.why or 'a ping'}")
        return self._again(row)

    def run(self, cancel: CancelToken) -> None:
        """Work off what comes, until ``cancel``: in a thread of the process that executes runs."""
        unsubscribe = self._bus.subscribe(self._heard)
        forget = cancel.on_stop(self._wake.set)
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook")
        try:
            while not cancel.stopped:
                self._wake.wait(self._once(pool, cancel))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            forget()
            unsubscribe()

    def step(self, cancel: CancelToken | None = None) -> None:
        """Work off what waits and is due, one after the other.

        Raises:
            StoreError: the store cannot be read or written.
        """
        for row in rows.waiting_deliveries(self._store):
            if row.id is not None and self._is_due(row.id):
                self._work(row, cancel or CancelToken())

    def _heard(self, event: Event) -> None:
        if isinstance(event, WebhookChanged):
            self._wake.set()

    def _once(self, pool: ThreadPoolExecutor, cancel: CancelToken) -> float:
        """Begin what is due; the seconds until the next look."""
        self._wake.clear()
        try:
            waiting = rows.waiting_deliveries(self._store)
        except StoreError:
            return _TROUBLE_SECONDS
        for row in waiting:
            lane = _lane_of(row)
            with self._lock:
                # One after the other of a repository; its end looks again.
                if lane in self._busy or row.id is None or not self._is_due(row.id):
                    continue
                self._busy.add(lane)
            pool.submit(self._run_one, row, lane, cancel)
        # What is due and has not begun waits for its repository: the end of that looks again.
        now = self._now()
        later = [at for row in waiting if (at := self._not_before.get(row.id or 0, now)) > now]
        return min([_REST_SECONDS, *((at - now).total_seconds() for at in later)])

    def _run_one(self, row: HookDelivery, lane: str, cancel: CancelToken) -> None:
        trouble = False
        try:
            with contextlib.suppress(CancelledError, Interrupted):  # it waits for the next start
                self._work(row, cancel)
        except StoreError:
            trouble = True
        finally:
            with self._lock:
                self._busy.discard(lane)
            if trouble:
                self._later(row, _TROUBLE_SECONDS)
            self._wake.set()

    def _work(self, row: HookDelivery, cancel: CancelToken) -> None:
        """Work off a delivery and write what came of it.

        Raises:
            StoreError: the store cannot be read or written.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        assert row.id is not None
        begun = rows.change_delivery(self._store, row.id, attempts=row.attempts + 1)
        if begun is None or begun.status is not HookStatus.WAITING:
            return
        try:
            if begun.attempts > MAX_STARTS:
                raise EspdeckError(
                    f"given up: it was started {MAX_STARTS} times and never finished"
                )
            outcome = work_off(self._services, begun, cancel)
        except NotYetError as error:
            cancel.check()
            if begun.attempts <= len(RETRY_SECONDS):
                rows.change_delivery(self._store, row.id, message=f"{error}; tried again")
                self._later(begun, RETRY_SECONDS[begun.attempts - 1])
                return
            outcome = Outcome(HookStatus.FAILED, f"{error}; remote_check looks for it")
        except StoreError:
            raise
        except EspdeckError as error:
            cancel.check()
            outcome = Outcome(HookStatus.FAILED, str(error))
        except Exception as error:
            _LOG.exception("webhook %s", row.id)
            outcome = Outcome(HookStatus.FAILED, f"unexpected: {error!r} (see espdeck.log)")
        now = self._now()
        done = rows.change_delivery(
            self._store, row.id, status=outcome.status, message=outcome.message, done_at=now
        )
        self._not_before.pop(row.id, None)
        rows.remove_deliveries(self._store, now - KEPT, KEPT_COUNT)
        if done is not None:
            self._changed(done)

    def _again(self, row: HookDelivery) -> HookDelivery:
        assert row.id is not None
        again = rows.change_delivery(
            self._store,
            row.id,
            status=HookStatus.WAITING,
            message="",
            attempts=0,
            received_at=self._now(),
            done_at=None,
        )
        self._changed(again or row)
        return again or row

    def _is_due(self, number: int) -> bool:
        due = self._not_before.get(number)
        # One that is due much later than any can be waits since the clock was set back.
        return due is None or due <= self._now() or due - self._now() > timedelta(hours=1)

    def _later(self, row: HookDelivery, seconds: float) -> None:
        if row.id is not None:
            self._not_before[row.id] = self._now() + timedelta(seconds=seconds)

    def _changed(self, row: HookDelivery) -> None:
        self._bus.publish(WebhookChanged(delivery=row.id or 0, status=row.status))


def _signed_for(settings: Settings, found: frozenset[str]) -> list[str]:
    """The projects of whose own secret those are with which something was signed.

    Returns:
        None of them where it is the common secret.
    """
    if found & set(settings.webhooks.secrets):
        return []
    return sorted(
        name for name, each in settings.projects.items() if found & set(each.webhook.secrets)
    )


def _secrets(settings: Settings) -> frozenset[str]:
    """All secrets that there are.

    Raises:
        AccessError: there is none.
    """
    tables = (settings.webhooks, *(each.webhook for each in settings.projects.values()))
    found = frozenset(secret for table in tables for secret in table.secrets)
    if not found:
        raise AccessError(
            "no secret of webhooks is set: espdeck config set webhooks.secret SECRET, and the same "
            "at the forge"
        )
    return found


def _lane_of(row: HookDelivery) -> str:
    """What is worked off one after the other: the deliveries of a repository."""
    event = HookEvent.model_validate_json(row.body)
    return next(filter(None, map(address_of, event.repository)), "")
