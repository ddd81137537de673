"""Decisions: from what the store says happened to what is remembered and what is to be sent.

Source is the store, not the bus: events after a cursor, and at the start the runs and results whose
event a killed process did not write any more. What is decided is written with the cursor in one
transaction, so that nothing is told twice and nothing is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.enums import DeliveryStatus, NotificationKind, RunStatus, Trigger
from engine.events import CheckCompleted, Problem, RunChanged, RunCompleted, RunStarted
from engine.notification_settings import ChannelSettings, NotificationSettings
from engine.notify import commit_status, facts, heartbeat
from engine.notify.channels import channels_of
from engine.notify.messages import Section, body_of, describe
from engine.notify.outcome import Outcome, Result
from engine.notify.plan import (
    ChannelState,
    Mute,
    Notice,
    Surroundings,
    Told,
    arrived,
    matches,
    new_channel,
    not_arrived,
    plan,
)
from engine.notify.subjects import Fact, State, Subject, fold, kind_of_change
from engine.store import notifications as rows
from engine.store.database import Store
from engine.store.notifications import RunStory, Turn
from engine.store.tables import DeliveryRow, EventRow, NotificationRow

KINDS = (
    RunChanged.kind,
    RunStarted.kind,
    RunCompleted.kind,
    CheckCompleted.kind,
    Problem.kind,
)

GIVE_UP_SECONDS = 24 * 3600.0
"""Seconds after which a message is not tried any more."""

REPEAT_SECONDS = 4 * 3600.0
"""Seconds in which the same notice is recorded once (Alertmanager's ``repeat_interval``)."""

_HANDLED_RUNS = 600  # more than a catching up looks at: ended runs that are remembered as told of
_KEEP = timedelta(days=90)  # how long notifications, and subjects without news, are kept
_FIRST_RETRY_SECONDS = 15.0
LONGEST_RETRY_SECONDS = 3600.0

_OF_BUILDS = "build:"  # begins the name of a heartbeat of a project's builds

_CURSOR = "cursor"
_CHANNEL = "channel:"
_SUBJECT = "subject:"


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look: whether something changed, and when to look again."""

    changed: bool
    wake: datetime | None


@dataclass(slots=True)
class _News:
    """What a look found, before it is written."""

    subjects: dict[str, Subject] = field(default_factory=dict)
    recorded: list[NotificationRow] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Subjects of ``recorded``, empty for notices."""
    deliveries: list[DeliveryRow] = field(default_factory=list)
    superseded: list[tuple[str, str]] = field(default_factory=list)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    """The newest state of each commit status, by channel and key."""


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
            self._write(_News(), cursor)

    def look(self) -> Looked:
        """Read what happened since the last look, and decide."""
        with self._lock:
            found, upto = rows.events_after(self._store, self._cursor["event"], KINDS)
            news, cursor = _News(), dict(self._cursor)
            for row in found:
                self._take(row, news, cursor)
            cursor["event"] = upto
            self._beat(news, cursor)
            return self._write(news, cursor)

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
        news, cursor = _News(), dict(self._cursor)
        while found:
            for row in found:
                self._take(row, news, cursor)
            found, upto = rows.events_after(self._store, upto, KINDS)
        cursor["event"] = upto
        for number, _workflow in rows.ended_runs(
            self._store, datetime.fromisoformat(cursor["began"])
        ):
            self._run_ended(number, news, cursor)
        for number in rows.results_after(self._store, cursor["check"]):
            self._check_ended(number, 0, news, cursor)
        self._write(news, cursor)

    def _take(self, row: EventRow, news: _News, cursor: dict[str, Any]) -> None:
        body = row.body
        if row.kind == RunCompleted.kind:
            self._run_ended(row.run_id, news, cursor)
        elif row.kind == CheckCompleted.kind:
            self._check_ended(int(body.get("result_id") or 0), row.id or 0, news, cursor)
        elif row.kind == Problem.kind:
            self._noticed(str(body.get("message") or ""), row, news, cursor)
        elif row.kind == RunStarted.kind:
            self._run_goes_on(row.run_id, "running", news, is_new=not body.get("resumed"))
        elif body.get("status") == RunStatus.PENDING:
            self._run_goes_on(row.run_id, "queued", news, is_new=False)

    def _run_goes_on(
        self, number: int, build: commit_status.Build, news: _News, *, is_new: bool
    ) -> None:
        story = rows.run_story(self._store, number)
        if story is None or story.run.status.is_final:
            return  # how it ended is told, too
        self._set_status(story, build, news)
        if is_new:
            self._ping_of_run(story, "start", news)

    def _run_ended(self, number: int, news: _News, cursor: dict[str, Any]) -> None:
        story = rows.run_story(self._store, number)
        if story is None or not story.run.status.is_final:
            return  # gone, or asked for again meanwhile: the next end counts
        once = f"{number}:{story.run.workflow_id}"
        if once in cursor["runs"]:
            return
        cursor["runs"] = [*cursor["runs"], once][-_HANDLED_RUNS:]
        cause_of = {
            each.fact.subject.removeprefix("board:"): each.fact.cause
            for each in self._subjects.values()
            if each.fact.topic == "boards"
        }
        fact = facts.build_fact(story, cause_of)
        if fact is not None:
            self._fold(fact, news)
        status = story.run.status
        self._set_status(story, commit_status.BUILDS[status], news)
        if status is not RunStatus.CANCELLED:
            self._ping_of_run(story, "" if status is RunStatus.SUCCESS else "fail", news)

    def _check_ended(self, number: int, event: int, news: _News, cursor: dict[str, Any]) -> None:
        found = rows.check_result(self._store, number)
        cursor["check"] = max(cursor["check"], number)
        if found is None:
            return
        row, project = found
        boards = [
            each.fact.subject.removeprefix("board:")
            for each in {**self._subjects, **news.subjects}.values()
            if each.fact.topic == "boards"
        ]
        threshold = self._settings().error_threshold
        for fact in facts.check_facts(row, project, event, threshold, boards):
            self._fold(fact, news)

    def _noticed(self, message: str, row: EventRow, news: _News, cursor: dict[str, Any]) -> None:
        fact = facts.notice_fact(message, row.id or 0, row.at)
        last = cursor["lab"].get(fact.subject)
        if last is not None:
            passed = (row.at - datetime.fromisoformat(last)).total_seconds()
            if 0 <= passed < REPEAT_SECONDS:
                return
        recent = {
            key: at
            for key, at in cursor["lab"].items()
            if abs((row.at - datetime.fromisoformat(at)).total_seconds()) < REPEAT_SECONDS
        }
        cursor["lab"] = {**recent, fact.subject: row.at.isoformat()}
        subject = Subject(fact=fact, changed_at=self._clock(), seen_at=self._clock())
        self._record(NotificationKind.NOTICE, subject, "", news)

    def _fold(self, fact: Fact, news: _News) -> None:
        before = news.subjects.get(fact.subject) or self._subjects.get(fact.subject)
        after = fold(before, fact, self._clock())
        if after is before:
            return
        news.subjects[fact.subject] = after
        kind = kind_of_change(before.state if before else State.OK, after.state)
        if kind is not None:
            self._record(kind, after, fact.subject, news)

    def _record(self, kind: NotificationKind, subject: Subject, changed: str, news: _News) -> None:
        section = describe(kind, subject, self._host)
        news.changed.append(changed)
        news.recorded.append(
            NotificationRow(
                at=self._clock(),
                kind=kind,
                subject=subject.fact.subject,
                cause=subject.fact.cause,
                title=section.title,
                body=body_of(section),
                project=subject.fact.project,
                run_id=subject.fact.run_id,
            )
        )

    def _set_status(self, story: RunStory, build: commit_status.Build, news: _News) -> None:
        project, run = story.project, story.run
        if project is None or not facts.is_told(story):
            return
        settings = self._settings()
        for name, channel in channels_of(settings).items():
            if not channel.commit_status or not _is_for(channel, story, settings):
                continue
            payload = commit_status.payload(channel, project, run, build)
            if not payload:
                continue
            key = commit_status.key_of(payload)
            known = news.keys.get((name, key))
            if known is None and (last := rows.last_of_key(self._store, name, key)):
                known = last.payload.get("state")
            if known == payload["state"] and build in ("queued", "running"):
                continue  # GitHub takes 1000 statuses of a commit and context
            news.keys[(name, key)] = payload["state"]
            news.superseded.append((name, key))
            news.deliveries = [
                each for each in news.deliveries if (each.channel, each.key) != (name, key)
            ]
            title = f"{payload['context']}: {payload['state']}"
            news.deliveries.append(
                self._delivery(name, f"{name} {key}", key=key, title=title, payload=payload)
            )

    def _ping_of_run(self, story: RunStory, ping: str, news: _News) -> None:
        run, project = story.run, story.project
        if run.triggered_by is Trigger.SCHEDULE and project is not None:
            what = f"run:{run.number}:{run.workflow_id}"
            self._ping(f"{_OF_BUILDS}{project.name}", ping, what, run.error, news)

    def _beat(self, news: _News, cursor: dict[str, Any]) -> None:
        """Ping for each check that its schedule ran since the last look, new result or not."""
        names = [name for name in self._settings().heartbeats if not name.startswith(_OF_BUILDS)]
        if not names:
            return
        known = cursor.get("beats", {})
        now = dict(known)
        for name, (at, failed) in rows.check_beats(self._store, names).items():
            now[name] = at.isoformat()
            if now[name] != known.get(name):
                self._ping(name, "fail" if failed else "", f"{name}:{now[name]}", "", news)
        cursor["beats"] = now

    def _ping(self, name: str, ping: str, what: str, body: str, news: _News) -> None:
        if name not in self._settings().heartbeats:
            return
        lane = f"heartbeat:{name}"
        row = self._delivery(lane, lane, title=ping or "success", body=body)
        row.payload = {"heartbeat": name, "ping": ping, "rid": heartbeat.run_id(what)}
        row.expires_at = row.created_at + timedelta(seconds=heartbeat.EXPIRES_SECONDS)
        news.deliveries.append(row)

    def _delivery(
        self,
        channel: str,
        lane: str,
        *,
        key: str = "",
        title: str = "",
        body: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> DeliveryRow:
        now = self._clock()
        return DeliveryRow(
            channel=channel,
            lane=lane,
            key=key,
            title=title,
            body=body,
            payload=dict(payload or {}),
            created_at=now,
            due_at=now,
            expires_at=now + timedelta(seconds=GIVE_UP_SECONDS),
        )

    def _write(self, news: _News, cursor: dict[str, Any]) -> Looked:
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
                    message = self._delivery(name, name, title=draft.title, body=draft.body)
                    message.notifications = list(draft.notifications)
                    message.tells = {key: _json(told) for key, told in draft.tells.items()}
                    kind = _apprise_kind(draft.tells)
                    message.payload = {"notice": draft.notice, "kind": kind}
                    deliveries.append(message)
            state: dict[str, dict[str, Any] | None] = {_CURSOR: cursor}
            for key, subject in news.subjects.items():
                state[_SUBJECT + key] = _json(subject)
            for name, known in after.items():
                if known != self._channels.get(name):
                    state[_CHANNEL + name] = _json(known)
            written.append(bool(deliveries or news.recorded))
            return Turn(state, deliveries, news.superseded)

        if self._is_idle(news, cursor, channels, states):
            # Only time passed: look without the write lock whether it makes anything due.
            trial = decide(())
            written.clear()
            if not trial.deliveries and len(trial.state) == 1:
                self._cursor["event"] = cursor["event"]
                return Looked(False, min(wakes, default=None))
            wakes.clear()
        rows.write_turn(self._store, news.recorded, decide)
        self._cursor = cursor
        self._subjects = subjects
        self._channels.update(after)
        return Looked(any(written), min(wakes, default=None))

    def _is_idle(
        self,
        news: _News,
        cursor: Mapping[str, Any],
        channels: Mapping[str, ChannelSettings],
        states: Mapping[str, ChannelState],
    ) -> bool:
        """Whether nothing happened and no channel is new: at the most time passed."""
        if news.subjects or news.recorded or news.deliveries or news.superseded:
            return False
        same = {**cursor, "event": 0} == {**self._cursor, "event": 0}
        return (
            same and cursor is not self._cursor and all(name in self._channels for name in channels)
        )


_STATUS = {
    Result.SENT: DeliveryStatus.SENT,
    Result.UNKNOWN: DeliveryStatus.UNKNOWN,
    Result.FAILED: DeliveryStatus.FAILED,
    Result.RETRY: DeliveryStatus.FAILED,  # of which it is too late for another try
}


def _is_for(channel: ChannelSettings, story: RunStory, settings: NotificationSettings) -> bool:
    """Whether a rule of a channel is about a build."""
    rules = [settings.rules[name] for name in channel.rules if name in settings.rules]
    assert story.project is not None
    fact = Fact(
        subject="",
        result="",
        topic="builds",
        name="",
        failed=False,
        at=story.run.created_at,
        project=story.project.name,
        branch=story.run.branch,
    )
    return (
        not rules
        or matches(rules, Subject(fact=fact, changed_at=fact.at, seen_at=fact.at)) is not None
    )


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
