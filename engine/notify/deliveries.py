"""Deliveries on their way: each in a thread of its own, of a channel one at a time.

A channel that fails or hangs keeps its own lane waiting and nobody else. A thread is there while it
sends; at rest there is none.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from engine.cancel import CancelToken
from engine.enums import DeliveryStatus
from engine.errors import CancelledError, Interrupted
from engine.notification_settings import NotificationSettings
from engine.notify import commit_status, heartbeat
from engine.notify.apprise_channel import AppriseSender
from engine.notify.channels import channels_of
from engine.notify.decisions import LONGEST_RETRY_SECONDS
from engine.notify.outcome import Outcome, Result
from engine.store import notifications as rows
from engine.store.database import Store, StoreError
from engine.store.tables import DeliveryRow

MAX_AT_ONCE = 8
"""Deliveries that are sent at the same time."""

TEST_LANE = "test "
"""What lanes of test messages begin with."""

_ORPHAN_SECONDS = 1.0  # between two looks at what a dead process left sending
_TEST_SECONDS = 600.0  # in which a command that tests a channel has ended
_STORE_SECONDS = 5.0  # between two tries to write how a delivery ended

_GONE = Outcome(Result.FAILED, "the channel is no longer in the settings")

_LOG = logging.getLogger("espdeck.notify")


class Deliveries:
    """Sends what is due."""

    def __init__(
        self,
        store: Store,
        settings: Callable[[], NotificationSettings],
        clock: Callable[[], datetime],
        finish: Callable[[DeliveryRow, Outcome], bool],
        sender: AppriseSender,
    ) -> None:
        """Know the store.

        Args:
            finish: writes how a try ended; whether the delivery has ended.
            sender: sends messages by apprise.
        """
        self._store = store
        self._settings = settings
        self._clock = clock
        self._finish = finish
        self._sender = sender
        self._lock = threading.Lock()
        self._threads: dict[str, tuple[str, threading.Thread]] = {}
        self._not_before: dict[str, datetime] = {}

    def send_due(self, cancel: CancelToken, ended: Callable[[], None]) -> datetime | None:
        """Begin to send what is due.

        Args:
            ended: called in another thread whenever one has ended.

        Returns:
            When the next is due, None where none waits.
        """
        now, next_due = self._clock(), None
        seen: set[str] = set()
        for row in rows.open_deliveries(self._store):
            if row.lane in seen:
                continue
            seen.add(row.lane)
            if row.status is DeliveryStatus.WAITING:
                due = max(row.due_at, self._not_before.get(row.channel, row.due_at))
                # One that is due much later than any can be waits since the clock was set back.
                if due <= now or (due - now).total_seconds() > 2 * LONGEST_RETRY_SECONDS:
                    self._begin(row, cancel, ended)
            else:
                with self._lock:
                    is_ours = row.lane in self._threads
                due = row.due_at if is_ours else self._take_over(row, now)
            if due > now and (next_due is None or due < next_due):
                next_due = due
        return next_due

    def _take_over(self, row: DeliveryRow, now: datetime) -> datetime:
        """See to what a process sent that died; when to look again."""
        again = now + timedelta(seconds=_ORPHAN_SECONDS)
        if row.lane.startswith(TEST_LANE):  # of a command that waits for it
            if now - row.created_at > timedelta(seconds=_TEST_SECONDS):
                gone = {"status": DeliveryStatus.UNKNOWN, "error": "cut short", "ended_at": now}
                rows.change_delivery(self._store, row.number, {}, **gone)
            return again
        found = None
        if row.lane == row.channel:
            if self._sender.is_running(row.number):
                return again  # its process goes on without the one that began it
            found = self._sender.find(row.number)
        if found is None:  # not sent, or what may be sent twice
            rows.change_delivery(self._store, row.number, {}, status=DeliveryStatus.WAITING)
        else:
            self._finish(row, found)
        self._sender.forget(row.number)
        return again

    def wait(self, timeout: float | None) -> None:
        """Wait until nothing is being sent, at the most ``timeout`` seconds."""
        with self._lock:
            threads = [thread for _channel, thread in self._threads.values()]
        until = None if timeout is None else time.monotonic() + timeout
        for thread in threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def _begin(self, row: DeliveryRow, cancel: CancelToken, ended: Callable[[], None]) -> None:
        with self._lock:
            channels = [channel for channel, _thread in self._threads.values()]
            if row.lane in self._threads or row.channel in channels:
                return  # its end looks again
            if len(self._threads) >= MAX_AT_ONCE:
                return
            thread = threading.Thread(
                target=self._run,
                args=(row, cancel, ended),
                name=f"notify {row.channel}",
                daemon=True,
            )
            self._threads[row.lane] = (row.channel, thread)
        thread.start()

    def _run(self, row: DeliveryRow, cancel: CancelToken, ended: Callable[[], None]) -> None:
        try:
            # What is cut off by these is seen to at the next look or the next start.
            with contextlib.suppress(CancelledError, Interrupted, StoreError):
                self._deliver(row, cancel)
        except Exception:
            _LOG.exception("a delivery")
        finally:
            with self._lock:
                self._threads.pop(row.lane, None)
            ended()

    def _deliver(self, row: DeliveryRow, cancel: CancelToken) -> None:
        now = self._clock()
        if now >= row.expires_at:
            self._finish(row, Outcome(Result.FAILED, row.error or "too late"))
            return
        if not rows.begin_delivery(self._store, row.number):
            return
        row.attempts += 1
        outcome = self.send(row, cancel)
        if outcome.result is Result.RETRY and outcome.after:
            self._not_before[row.channel] = now + timedelta(seconds=outcome.after)
        while True:
            try:
                self._finish(row, outcome)
                break
            except StoreError:  # what was sent must not be sent again, however long it takes
                cancel.wait(_STORE_SECONDS)
        self._sender.forget(row.number)

    def send(self, row: DeliveryRow, cancel: CancelToken) -> Outcome:
        """Send one delivery now.

        Raises:
            CancelledError, Interrupted: as ``cancel`` says.
        """
        settings = self._settings()
        if (name := row.payload.get("heartbeat")) is not None:
            url = settings.heartbeats.get(name)
            if url is None:
                return _GONE
            payload = row.payload
            return heartbeat.send(url.get_secret_value(), payload["ping"], payload["rid"], row.body)
        channel = channels_of(settings).get(row.channel)
        if channel is None:
            return _GONE
        if channel.commit_status:
            return commit_status.send(channel, row.payload) if row.key else _GONE
        outcome = self._sender.send(
            row.number,
            channel.url.get_secret_value(),
            title=row.title,
            body=row.body,
            kind=row.payload.get("kind", "info"),
            more="espdeck notify list",
            cancel=cancel,
        )
        if row.lane != row.channel:
            self._sender.forget(row.number)  # a test
        return outcome
