"""Notifications, as a front end and the engine see them."""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.cancel import CancelToken
from engine.enums import DeliveryStatus
from engine.errors import UsageError
from engine.events import (
    Bus,
    CheckCompleted,
    Event,
    NotificationsChanged,
    Problem,
    RunChanged,
    RunCompleted,
    RunStarted,
)
from engine.notification_settings import ChannelSettings, NotificationSettings
from engine.notify.channels import channels_of, where
from engine.notify.hours import quiet_until
from engine.settings import Settings
from engine.store import notifications as rows
from engine.store import projects, runs
from engine.store.database import Store, StoreError
from engine.store.tables import DeliveryRow, MuteRow, NotificationRow, utc_now
from engine.text import clean, near, near_or_all

if TYPE_CHECKING:
    from engine.notify.decisions import Decisions
    from engine.notify.deliveries import Deliveries

LONGEST_MUTE = timedelta(days=365)

_WAKE_FOR = (
    RunChanged,
    RunStarted,
    RunCompleted,
    CheckCompleted,
    Problem,
    NotificationsChanged,
)

_LOOK_AGAIN_SECONDS = (0.3, 1.0, 3.0)
"""After an event: the journal writes it some tenths of a second after the bus had it."""

_REST_SECONDS = 60.0
"""Between two looks where nothing happens: that a result of a check stands is no event, and is told
to heartbeats."""

_TROUBLE_SECONDS = 30.0  # until the next look where one failed
_TIDY_SECONDS = 24 * 3600.0
_STOP_SECONDS = 3.0  # for what is being sent, when espdeck ends
_REASON_CHARACTERS = 200

_LOG = logging.getLogger("espdeck.notify")


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel and how it does.

    Args:
        where: where it goes, without secrets.
        last: its last delivery that was tried, None for none.
        waiting: deliveries that wait.
        quiet_until: when its quiet hours end, None where it is not quiet.
        muted_until: when a mute of the whole channel ends, None for none.
        held: why news is held back; empty for nothing.
    """

    name: str
    where: str
    settings: ChannelSettings
    last: DeliveryRow | None
    waiting: int
    quiet_until: datetime | None
    muted_until: datetime | None
    held: str


class Notifications:
    """What people are told. All but :meth:`run` can be called in any process."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        settings: Callable[[], Settings],
        clock: Callable[[], datetime] = utc_now,
        *,
        host: str = "",
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311 (no secret)
    ) -> None:
        """Know a workspace; nothing is told before :meth:`run`.

        Args:
            settings: gives the settings as they are now.
            clock: the time, in UTC.
            host: name of this machine in messages; empty for its own.
            jitter: a factor around 1 for the time to the next try.
        """
        self._store = store
        self._bus = bus
        self._settings = settings
        self._clock = clock
        self._host = host or socket.gethostname()
        self._jitter = jitter
        self._wake = threading.Event()
        self._looks: list[float] = []
        self._loaded = False
        self._tidied: datetime | None = None

    # Who only lists or mutes has no need of what decides and sends.

    @functools.cached_property
    def _decisions(self) -> Decisions:
        from engine.notify.decisions import Decisions

        return Decisions(self._store, self._now_settings, self._clock, self._host, self._jitter)

    @functools.cached_property
    def _deliveries(self) -> Deliveries:
        from engine.notify.apprise_channel import AppriseSender
        from engine.notify.deliveries import Deliveries

        sender = AppriseSender(self._store.path.parent / "notify")
        return Deliveries(
            self._store, self._now_settings, self._clock, self._decisions.finish, sender
        )

    def run(self, cancel: CancelToken) -> None:
        """Tell what happens, until ``cancel``: in a thread of the process that executes runs."""
        unsubscribe = self._bus.subscribe(self._heard)
        forget = cancel.on_stop(self._wake.set)
        sending = CancelToken()  # what is on its way gets a moment to arrive
        try:
            while not cancel.stopped:
                self._wake.wait(self._once(sending))
            self._deliveries.wait(_STOP_SECONDS)
        finally:
            sending.interrupt()
            forget()
            unsubscribe()

    def step(self, cancel: CancelToken | None = None) -> datetime | None:
        """Do all that is due now; :meth:`run` calls it whenever something happened.

        Returns:
            When there is more to do, None when something happens.

        Raises:
            StoreError: the store cannot be read or written.
        """
        cancel = cancel or CancelToken()
        if not self._loaded:
            self._decisions.load()
            self._loaded = True
        now = self._clock()
        if self._tidied is None or (now - self._tidied).total_seconds() > _TIDY_SECONDS:
            self._decisions.tidy()
            self._tidied = now
        looked = self._decisions.look()
        if looked.changed:
            self._changed()
        due = self._deliveries.send_due(cancel, self._delivered)
        return min((each for each in (looked.wake, due) if each is not None), default=None)

    def settle(self, timeout: float | None = None) -> None:
        """Wait until nothing is being sent, at the most ``timeout`` seconds."""
        self._deliveries.wait(timeout)

    def list(
        self, *, limit: int = 200, before: int | None = None, unread: bool = False
    ) -> Sequence[NotificationRow]:
        """Notifications, newest first, a page at a time.

        Args:
            before: only those with a smaller number.
            unread: only those that nobody read.
        """
        return rows.list_notifications(self._store, limit=limit, before=before, unread=unread)

    def get(self, number: int) -> NotificationRow:
        """A notification by its number.

        Raises:
            UsageError: there is none.
        """
        return rows.get_notification(self._store, number)

    def unread(self) -> int:
        """How many nobody read."""
        return rows.count_unread(self._store)

    def mark_read(self, numbers: Sequence[int] | None = None) -> int:
        """Say that notifications were read; all where no numbers are given. How many it were."""
        changed = rows.mark_read(self._store, numbers, self._clock())
        if changed:
            self._changed()
        return changed

    def deliveries(self, number: int) -> Sequence[DeliveryRow]:
        """Messages that told a notification, oldest first."""
        return rows.deliveries_of(self._store, number)

    def channels(self) -> Sequence[ChannelInfo]:
        """Every channel and how it does, by name."""
        now, settings = self._clock(), self._now_settings()
        last = rows.last_deliveries(self._store, channels_of(settings))
        waiting = [each.channel for each in rows.open_deliveries(self._store)]
        mutes = self.mutes()
        held = rows.held_channels(self._store)
        return [
            ChannelInfo(
                name=name,
                where=where(channel),
                settings=channel,
                last=last.get(name),
                waiting=waiting.count(name),
                quiet_until=quiet_until(channel, now),
                muted_until=max(
                    (
                        each.until
                        for each in mutes
                        if not each.project and each.channel in ("", name)
                    ),
                    default=None,
                ),
                held=held.get(name, ""),
            )
            for name, channel in sorted(channels_of(settings).items())
        ]

    def mutes(self) -> Sequence[MuteRow]:
        """Mutes that hold now, the first to end first."""
        return rows.active_mutes(self._store, self._clock())

    def mute(
        self,
        *,
        channel: str = "",
        project: str = "",
        hold: timedelta,
        reason: str = "",
        by: str = "",
    ) -> MuteRow:
        """Send nothing for a while, to a channel, about a project, or at all; all is recorded.

        Args:
            channel, project: empty for all of them.
            hold: for how long.
            reason: why, for others.
            by: who mutes.

        Raises:
            UsageError: there is no such channel or project, or it is too long.
        """
        if not timedelta(0) < hold <= LONGEST_MUTE:
            raise UsageError("a mute lasts up to 365d")
        if channel:
            self._channel(channel)
        if project and projects.find_project(self._store, project) is None:
            names = [each.name for each in projects.all_projects(self._store)]
            raise UsageError(f"no project is called {project}{near(project, names)}")
        now = self._clock()
        row = MuteRow(
            channel=channel,
            project=project,
            until=now + hold,
            reason=clean(reason)[:_REASON_CHARACTERS],
            by=clean(by)[:_REASON_CHARACTERS],
            created_at=now,
        )
        row = rows.add_mute(self._store, row)
        self._changed()
        return row

    def unmute(self, *, channel: str = "", project: str = "") -> int:
        """Lift the mute that was set with the same words; how many there were."""
        lifted = rows.remove_mutes(self._store, channel, project)
        if lifted:
            self._changed()
        return lifted

    def test(self, name: str, cancel: CancelToken | None = None) -> DeliveryRow:
        """Send a test message to a channel, now and whatever is muted; blocks until it is known.

        A commit status is set anew for the newest build of which the channel has the commit.

        Returns:
            The delivery: how it ended and what went wrong.

        Raises:
            UsageError: there is no such channel, or no build that a status could be of.
            MissingToolError: apprise is not installed.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        from engine.notify.apprise_channel import check_installed
        from engine.notify.commit_status import key_of
        from engine.notify.deliveries import TEST_LANE
        from engine.notify.outcome import Result

        channel = self._channel(name)
        now = self._clock()
        row = DeliveryRow(
            channel=name,
            lane=f"{TEST_LANE}{name}",
            title=f"espdeck on {self._host}: a test",
            body="This channel works.",
            status=DeliveryStatus.SENDING,
            attempts=1,
            created_at=now,
            due_at=now,
            expires_at=now,
        )
        if channel.commit_status:
            row.payload = self._newest_status(name, channel)
            row.key = key_of(row.payload)
        else:
            check_installed()
        row = rows.add_delivery(self._store, row)
        status = {
            Result.SENT: DeliveryStatus.SENT,
            Result.UNKNOWN: DeliveryStatus.UNKNOWN,
        }
        try:
            outcome = self._deliveries.send(row, cancel or CancelToken())
        except BaseException:
            self._end_test(row, DeliveryStatus.UNKNOWN, "cut short", 0)
            raise
        ended = status.get(outcome.result, DeliveryStatus.FAILED)
        self._end_test(row, ended, outcome.error, outcome.cut)
        return rows.get_delivery(self._store, row.number)

    def _end_test(self, row: DeliveryRow, status: DeliveryStatus, error: str, cut: int) -> None:
        ended = {"status": status, "error": error, "cut": cut, "ended_at": self._clock()}
        rows.change_delivery(self._store, row.number, {}, **ended)

    def _newest_status(self, name: str, channel: ChannelSettings) -> dict[str, Any]:
        from engine.notify.commit_status import BUILDS, payload

        for run in runs.list_runs(self._store, dirty=False, limit=100):
            if run.project_id is None or not run.status.is_final:
                continue
            project = projects.get_project(self._store, run.project_id)
            if found := payload(channel, project, run, BUILDS[run.status]):
                return found
        raise UsageError(f"channel {name}: no build yet of a project that its server has")

    def _channel(self, name: str) -> ChannelSettings:
        channels = channels_of(self._now_settings())
        if name not in channels:
            known = near_or_all(name, sorted(channels))
            raise UsageError(f"no channel is called {name}{known}: espdeck guide notifications")
        return channels[name]

    def _now_settings(self) -> NotificationSettings:
        return self._settings().notifications

    def _heard(self, event: Event) -> None:
        if isinstance(event, _WAKE_FOR):
            self._looks = list(_LOOK_AGAIN_SECONDS)
            self._wake.set()

    def _delivered(self) -> None:
        with contextlib.suppress(StoreError):
            self._changed()
        self._wake.set()

    def _changed(self) -> None:
        self._bus.publish(NotificationsChanged(unread=self.unread()))

    def _once(self, sending: CancelToken) -> float:
        """Do what is due; the seconds until the next look."""
        self._wake.clear()
        rest = _REST_SECONDS
        try:
            due = self.step(sending)
            if due is not None:
                rest = min(rest, max(0.05, (due - self._clock()).total_seconds()))
        except StoreError:
            rest = _TROUBLE_SECONDS  # the disk is full: later
        except Exception:
            _LOG.exception("notifications")
            rest = _TROUBLE_SECONDS
        return min(rest, self._looks.pop(0)) if self._looks else rest
