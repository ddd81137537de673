"""News: what happened since the last look, as rows to write; nothing is written here."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.enums import NotificationKind, RunStatus, Trigger
from engine.events import CheckCompleted, Problem, RunChanged, RunCompleted, RunStarted
from engine.notification_settings import ChannelSettings, NotificationSettings
from engine.notify import commit_status, facts, heartbeat
from engine.notify.channels import channels_of
from engine.notify.messages import body_of, describe
from engine.notify.plan import matches
from engine.notify.subjects import Fact, State, Subject, fold, kind_of_change
from engine.store import notifications as rows
from engine.store.database import Store
from engine.store.notifications import RunStory
from engine.store.tables import DeliveryRow, EventRow, NotificationRow

KINDS = (
    RunChanged.kind,
    RunStarted.kind,
    RunCompleted.kind,
    CheckCompleted.kind,
    Problem.kind,
)
"""Events that are news."""

GIVE_UP_SECONDS = 24 * 3600.0
"""Seconds after which a message is not tried any more."""

REPEAT_SECONDS = 4 * 3600.0
"""Seconds in which the same notice is recorded once (Alertmanager's ``repeat_interval``)."""

_HANDLED_RUNS = 600  # more than a catching up looks at: ended runs that are remembered as told of
_KEPT_STORIES = 200  # with up to 500 findings each
_OF_BUILDS = "build:"  # begins the name of a heartbeat of a project's builds


class News:
    """What one look finds; asks the store what it has to know."""

    def __init__(
        self,
        store: Store,
        settings: NotificationSettings,
        known: Mapping[str, Subject],
        cursor: Mapping[str, Any],
        host: str,
        now: datetime,
    ) -> None:
        """Begin a look.

        Args:
            known: subjects as they were.
            cursor: up to where all was seen.
            host: name of this machine, for messages.
        """
        self._store = store
        self._settings = settings
        self._known = known
        self._host = host
        self._now = now
        self.cursor = dict(cursor)
        self.subjects: dict[str, Subject] = {}
        """Those that had a result."""

        self.recorded: list[NotificationRow] = []
        self.changed: list[str] = []
        """The subject of each of ``recorded``, empty for notices."""

        self.deliveries: list[DeliveryRow] = []
        self.superseded: list[tuple[str, str]] = []
        self._keys: dict[tuple[str, str], str] = {}
        self._ended: dict[int, RunStory] = {}

    def take(self, row: EventRow) -> None:
        """Take an event."""
        body = row.body
        if row.kind == RunCompleted.kind:
            self.run_ended(row.run_id)
        elif row.kind == CheckCompleted.kind:
            self.check_ended(int(body.get("result_id") or 0))
        elif row.kind == Problem.kind:
            self._noticed(str(body.get("message") or ""), row)
        elif row.kind == RunStarted.kind:
            self._run_goes_on(row.run_id, "running", is_new=not body.get("resumed"))
        elif body.get("status") == RunStatus.PENDING:
            self._run_goes_on(row.run_id, "queued", is_new=False)

    def _run_goes_on(self, number: int, build: commit_status.Build, *, is_new: bool) -> None:
        story = self._story(number)
        if story is None or story.run.status.is_final:
            return  # how it ended is told, too
        self._set_status(story, build)
        if is_new:
            self._ping_of_run(story, "start")

    def run_ended(self, number: int) -> None:
        """Take the end of a run, once."""
        story = self._story(number)
        if story is None or not story.run.status.is_final:
            return  # gone, or asked for again meanwhile: the next end counts
        once = f"{number}:{story.run.workflow_id}"
        if once in self.cursor["runs"]:
            return
        self.cursor["runs"] = [*self.cursor["runs"], once][-_HANDLED_RUNS:]
        fact = facts.build_fact(story, self._cause_of_board)
        if fact is not None:
            self._fold(fact)
        status = story.run.status
        self._set_status(story, commit_status.BUILDS[status])
        if status is not RunStatus.CANCELLED:
            self._ping_of_run(story, "" if status is RunStatus.SUCCESS else "fail")

    def check_ended(self, number: int) -> None:
        """Take a result of a check, by its id, once."""
        found = rows.check_result(self._store, number)
        self.cursor["check"] = max(self.cursor["check"], number)
        if found is None:
            return
        row, project = found
        boards = {**self._cause_of_board, **_causes_of_boards(self.subjects)}
        threshold = self._settings.error_threshold
        for fact in facts.check_facts(row, project, threshold, boards):
            self._fold(fact)

    @functools.cached_property
    def _cause_of_board(self) -> Mapping[str, str]:
        return _causes_of_boards(self._known)

    def _story(self, number: int) -> RunStory | None:
        """A run as it is now; of one that has ended as it was: it has several events in a row."""
        story = self._ended.get(number) or rows.run_story(self._store, number)
        if story is not None and story.run.status.is_final:
            if len(self._ended) >= _KEPT_STORIES:
                self._ended.clear()
            self._ended[number] = story
        return story

    def _noticed(self, message: str, row: EventRow) -> None:
        fact = facts.notice_fact(message, row.id or 0, row.at)
        last = self.cursor["lab"].get(fact.subject)
        if last is not None:
            passed = (row.at - datetime.fromisoformat(last)).total_seconds()
            if 0 <= passed < REPEAT_SECONDS:
                return
        recent = {
            key: at
            for key, at in self.cursor["lab"].items()
            if abs((row.at - datetime.fromisoformat(at)).total_seconds()) < REPEAT_SECONDS
        }
        self.cursor["lab"] = {**recent, fact.subject: row.at.isoformat()}
        subject = Subject(fact=fact, changed_at=self._now, seen_at=self._now)
        self._record(NotificationKind.NOTICE, subject, "")

    def _fold(self, fact: Fact) -> None:
        before = self.subjects.get(fact.subject) or self._known.get(fact.subject)
        after = fold(before, fact, self._now)
        if after is before:
            return
        self.subjects[fact.subject] = after
        kind = kind_of_change(before.state if before else State.OK, after.state)
        if kind is not None:
            self._record(kind, after, fact.subject)

    def _record(self, kind: NotificationKind, subject: Subject, changed: str) -> None:
        section = describe(kind, subject, self._host)
        self.changed.append(changed)
        self.recorded.append(
            NotificationRow(
                at=self._now,
                kind=kind,
                subject=subject.fact.subject,
                cause=subject.fact.cause,
                title=section.title,
                body=body_of(section),
                project=subject.fact.project,
                run_id=subject.fact.run_id,
            )
        )

    def _set_status(self, story: RunStory, build: commit_status.Build) -> None:
        project, run = story.project, story.run
        if project is None or not facts.is_told(story):
            return
        settings = self._settings
        for name, channel in channels_of(settings).items():
            if not channel.commit_status or not _is_for(channel, story, settings):
                continue
            payload = commit_status.payload(channel, project, run, build)
            if not payload:
                continue
            key = commit_status.key_of(payload)
            known = self._keys.get((name, key))
            if known is None and (last := rows.last_of_key(self._store, name, key)):
                known = last.payload.get("state")
            if known == payload["state"] and build in ("queued", "running"):
                continue  # GitHub takes 1000 statuses of a commit and context
            self._keys[(name, key)] = payload["state"]
            self.superseded.append((name, key))
            self.deliveries = [
                each for each in self.deliveries if (each.channel, each.key) != (name, key)
            ]
            title = f"{payload['context']}: {payload['state']}"
            self.deliveries.append(
                new_delivery(
                    self._now, name, f"{name} {key}", key=key, title=title, payload=payload
                )
            )

    def _ping_of_run(self, story: RunStory, ping: str) -> None:
        run, project = story.run, story.project
        if run.triggered_by is Trigger.SCHEDULE and project is not None:
            what = f"run:{run.number}:{run.workflow_id}"
            self._ping(f"{_OF_BUILDS}{project.name}", ping, what, run.error)

    def beat(self) -> None:
        """Ping for each check that its schedule ran since the last look, new result or not."""
        names = [name for name in self._settings.heartbeats if not name.startswith(_OF_BUILDS)]
        if not names:
            return
        known = self.cursor.get("beats", {})
        now = dict(known)
        for name, (at, failed) in rows.check_beats(self._store, names).items():
            now[name] = at.isoformat()
            if now[name] != known.get(name):
                self._ping(name, "fail" if failed else "", f"{name}:{now[name]}", "")
        self.cursor["beats"] = now

    def _ping(self, name: str, ping: str, what: str, body: str) -> None:
        if name not in self._settings.heartbeats:
            return
        lane = f"heartbeat:{name}"
        row = new_delivery(self._now, lane, lane, title=ping or "success", body=body)
        row.payload = {"heartbeat": name, "ping": ping, "rid": heartbeat.run_id(what)}
        row.expires_at = row.created_at + timedelta(seconds=heartbeat.EXPIRES_SECONDS)
        self.deliveries.append(row)


def new_delivery(
    now: datetime,
    channel: str,
    lane: str,
    *,
    key: str = "",
    title: str = "",
    body: str = "",
    payload: Mapping[str, Any] | None = None,
) -> DeliveryRow:
    """A delivery that is due at once."""
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


def _causes_of_boards(subjects: Mapping[str, Subject]) -> dict[str, str]:
    """The cause of each board's failures, by its name."""
    return {
        each.fact.subject.removeprefix("board:"): each.fact.cause
        for each in subjects.values()
        if each.fact.topic == "boards"
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
