"""Decisions: from what the store says happened to what is remembered and what is to be sent.

Source is the store, not the bus: events after a cursor, and at the start the runs and results whose
event a killed process did not write any more. What is decided is written with the cursor in one
transaction, so that nothing is told twice and nothing is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.enums import DeliveryStatus, NotificationKind
from engine.notification_settings import ChannelSettings, NotificationSettings
from engine.notify.channels import channels_of
from engine.notify.messages import Section
from engine.notify.news import KINDS, News, new_delivery
from engine.notify.outcome import Outcome, Result
from engine.notify.plan import (
    ChannelState,
    Mute,
    Notice,
    Surroundings,
    Told,
    arrived,
    new_channel,
    not_arrived,
    plan,
)
from engine.notify.subjects import State, Subject
from engine.store import notifications as rows
from engine.store.database import Store
from engine.store.notifications import Turn
from engine.store.tables import DeliveryRow, NotificationRow

_KEEP = timedelta(days=90)  # how long notifications, and subjects without news, are kept
_EVENTS_AT_ONCE = 200  # that one look takes, so that what ends meanwhile is written in between
_FIRST_RETRY_SECONDS = 15.0
LONGEST_RETRY_SECONDS = 3600.0

_CURSOR = "cursor"
_CHANNEL = "channel:"
_SUBJECT = "subject:"


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look: whether something changed, and when to look again."""

    changed: bool
    wake: datetime | None


class Decisions:
    """What is remembered, and how it changes; one process has one, its threads take turns."""

    def __init__(
        self,
        store: Store,
        settings: Callable[[], NotificationSettings],
        clock: Callable[[], datetime],
        host: str,
        jitter: Callable[[], float],
    ) -> None:
        """Know the store; :meth:`load` reads it.

        Args:
            host: name of this machine, for messages.
            jitter: a factor around 1 for the time to the next try.
        """
        self._store = store
        self._settings = settings
        self._clock = clock
        self._host = host
        self._jitter = jitter
        self._lock = threading.Lock()
        self._cursor: dict[str, Any] = {}
        self._subjects: dict[str, Subject] = {}
        self._channels: dict[str, ChannelState] = {}

    def load(self) -> None:
        """Read what is remembered; find what a killed process had no time to say."""
        with self._lock:
            state = rows.load_state(self._store)
            self._subjects = {
                key.removeprefix(_SUBJECT): Subject.model_validate(body)
                for key, body in state.items()
                if key.startswith(_SUBJECT)
            }
            self._channels = {
                key.removeprefix(_CHANNEL): ChannelState.model_validate(body)
                for key, body in state.items()
                if key.startswith(_CHANNEL)
            }
            if _CURSOR in state:
                self._cursor = dict(state[_CURSOR])
                self._catch_up()
                return
            # What happened before anybody could be told is nothing new.
            event, check, _notification = rows.newest_ids(self._store)
            began = self._clock().isoformat()
            cursor = {"event": event, "check": check, "began": began, "runs": [], "lab": {}}
            self._write(self._news(cursor))

    def look(self) -> Looked:
        """Read what happened since the last look, and decide."""
        with self._lock:
            found, upto = rows.events_after(
                self._store, self._cursor["event"], KINDS, limit=_EVENTS_AT_ONCE
            )
            news = self._news(self._cursor)
            for row in found:
                news.take(row)
            news.cursor["event"] = upto
            news.beat()
            looked = self._write(news)
            if len(found) == _EVENTS_AT_ONCE:  # there are more
                return Looked(looked.changed, self._clock())
            return looked

    def tidy(self) -> None:
        """Forget what is old, and what was said of projects that are gone."""
        now = self._clock()
        rows.remove_old(self._store, now - _KEEP)
        known = rows.project_ids(self._store)
        with self._lock:
            gone: dict[str, dict[str, Any] | None] = {}
            for key, subject in self._subjects.items():
                owner = key.split(":")[1] if key.startswith("build:") else key.split(":")[-1]
                of_project = subject.fact.topic in ("builds", "checks") and bool(owner)
                is_old = subject.state is State.OK and now - subject.fact.at > _KEEP
                if (of_project and owner not in known) or is_old:
                    gone[_SUBJECT + key] = None
            if gone:
                rows.write_turn(self._store, (), lambda _ids: Turn(state=gone))
                for key in gone:
                    del self._subjects[key.removeprefix(_SUBJECT)]

    def finish(self, row: DeliveryRow, outcome: Outcome) -> bool:
        """Write how a try to deliver ended; whether the delivery has ended."""
        with self._lock:
            now = self._clock()
            ended = outcome.result is not Result.RETRY
            values: dict[str, Any] = {"error": outcome.error, "cut": outcome.cut}
            if not ended:
                wait = _FIRST_RETRY_SECONDS * 2.0 ** min(row.attempts, 20)
                wait = min(wait, LONGEST_RETRY_SECONDS) * self._jitter()
                due = now + timedelta(seconds=max(wait, outcome.after or 0.0))
                if due < row.expires_at:
                    values |= {"status": DeliveryStatus.WAITING, "due_at": due}
                    rows.change_delivery(self._store, row.number, {}, **values)
                    return False
            status = _STATUS[outcome.result]
            values |= {"status": status, "ended_at": now}
            channel = self._after(row, status, now)
            state = {} if channel is None else {_CHANNEL + row.channel: _json(channel)}
            rows.change_delivery(self._store, row.number, state, **values)
            if channel is not None:
                self._channels[row.channel] = channel
            return True

    def _after(
        self, row: DeliveryRow, status: DeliveryStatus, now: datetime
    ) -> ChannelState | None:
        known = self._channels.get(row.channel)
        if known is None or row.lane != row.channel:
            return None
        tells = {key: Told.model_validate(each) for key, each in row.tells.items()}
        notice = int(row.payload.get("notice", 0))
        if status is DeliveryStatus.FAILED:
            return not_arrived(known, tells, notice, now)
        return arrived(known, tells, notice, now)

    def _catch_up(self) -> None:
        """Take runs and results that ended without their event, as after a ``kill -9``."""
        found, upto = rows.events_after(self._store, self._cursor["event"], KINDS)
        news = self._news(self._cursor)
        while found:
            for row in found:
                news.take(row)
            found, upto = rows.events_after(self._store, upto, KINDS)
        news.cursor["event"] = upto
        for number, _workflow in rows.ended_runs(
            self._store, datetime.fromisoformat(news.cursor["began"])
        ):
            news.run_ended(number)
        for number in rows.results_after(self._store, news.cursor["check"]):
            news.check_ended(number)
        self._write(news)

    def _write(self, news: News) -> Looked:
        """Decide what each channel is told, and write all of it; nothing where nothing changes."""
        settings, now = self._settings(), self._clock()
        subjects = {**self._subjects, **news.subjects}
        channels = {
            name: channel
            for name, channel in channels_of(settings).items()
            if not channel.commit_status
        }
        newest = rows.newest_ids(self._store)[2]
        states = {
            name: self._channels.get(name) or new_channel(self._subjects, newest)
            for name in channels
        }
        oldest = min((state.notice for state in states.values()), default=newest)
        pending = [_notice(row, row.number) for row in rows.notices_after(self._store, oldest)]
        mutes = [
            Mute(each.channel, each.project, each.until)
            for each in rows.active_mutes(self._store, now)
        ]
        busy = {each.lane for each in rows.open_deliveries(self._store)}
        wakes: list[datetime] = []
        after: dict[str, ChannelState] = {}
        written: list[bool] = []

        def decide(ids: Sequence[int]) -> Turn:
            notices = list(pending)
            for row, number, key in zip(news.recorded, ids, news.changed, strict=True):
                if key:
                    update = {"notification": number}
                    subjects[key] = subjects[key].model_copy(update=update)
                    news.subjects[key] = subjects[key]
                else:
                    notices.append(_notice(row, number))
            around = Surroundings(
                subjects=subjects,
                notices=notices,
                mutes=mutes,
                rules=settings.rules,
                group_wait=settings.group_wait_seconds,
                host=self._host,
                now=now,
            )
            deliveries = list(news.deliveries)
            for name, channel in channels.items():
                planned = plan(name, channel, states[name], around, busy=name in busy)
                after[name] = planned.state
                if planned.wake is not None:
                    wakes.append(planned.wake)
                if (draft := planned.draft) is not None:
                    message = new_delivery(now, name, name, title=draft.title, body=draft.body)
                    message.notifications = list(draft.notifications)
                    message.tells = {key: _json(told) for key, told in draft.tells.items()}
                    kind = _apprise_kind(draft.tells)
                    message.payload = {"notice": draft.notice, "kind": kind}
                    deliveries.append(message)
            state: dict[str, dict[str, Any] | None] = {_CURSOR: news.cursor}
            for key, subject in news.subjects.items():
                state[_SUBJECT + key] = _json(subject)
            for name, known in after.items():
                if known != self._channels.get(name):
                    state[_CHANNEL + name] = _json(known)
            written.append(bool(deliveries or news.recorded))
            return Turn(state, deliveries, news.superseded)

        if self._is_idle(news, channels):
            # Only time passed: look without the write lock whether it makes anything due.
            trial = decide(())
            written.clear()
            if not trial.deliveries and len(trial.state) == 1:
                self._cursor["event"] = news.cursor["event"]
                return Looked(False, min(wakes, default=None))
            wakes.clear()
        rows.write_turn(self._store, news.recorded, decide)
        self._cursor = news.cursor
        self._subjects = subjects
        self._channels.update(after)
        return Looked(any(written), min(wakes, default=None))

    def _is_idle(self, news: News, channels: Mapping[str, ChannelSettings]) -> bool:
        """Whether nothing happened and no channel is new: at the most time passed."""
        if news.subjects or news.recorded or news.deliveries or news.superseded:
            return False
        same = {**news.cursor, "event": 0} == {**self._cursor, "event": 0}
        return same and all(name in self._channels for name in channels)

    def _news(self, cursor: Mapping[str, Any]) -> News:
        return News(
            self._store, self._settings(), self._subjects, cursor, self._host, self._clock()
        )


_STATUS = {
    Result.SENT: DeliveryStatus.SENT,
    Result.UNKNOWN: DeliveryStatus.UNKNOWN,
    Result.FAILED: DeliveryStatus.FAILED,
    Result.RETRY: DeliveryStatus.FAILED,  # of which it is too late for another try
}


def _notice(row: NotificationRow, number: int) -> Notice:
    lines = tuple(row.body.split("\n"))
    section = Section(NotificationKind.NOTICE, row.title, lines, (number,))
    return Notice(number, row.project, section, row.at)


def _apprise_kind(tells: Mapping[str, Told]) -> str:
    """Apprise's kind of a message: what colours it."""
    states = {told.state for told in tells.values()}
    if State.FAILING in states:
        return "failure"
    return "success" if states == {State.OK} else "warning"


def _json(model: ChannelState | Subject | Told) -> dict[str, Any]:
    return model.model_dump(mode="json")
