"""What a channel is to be told now. Pure: state, subjects, settings and time in, a message out.

A channel knows each subject in a state. When it may be told something (no quiet hours, no mute, its
rate not used up, nothing on its way), it is told what differs between what it knows and what is so.
From that follows that a recovery is told exactly if its problem was; that what failed and
recovered while nothing could be told is not told; that what was told before a mute and ended in it
is told after it; and that a restart tells nothing twice. As in Alertmanager, news waits a while for
what belongs to it, and what a known cause explains is inhibited
(https://prometheus.io/docs/alerting/latest/alertmanager/).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict

from engine.enums import NotificationKind
from engine.notification_settings import ChannelSettings, RuleSettings
from engine.notify.hours import quiet_until
from engine.notify.messages import Section, compose, describe, describe_group
from engine.notify.subjects import THIS_USB, State, Subject, kind_of_change

RATE_SECONDS = 3600.0
"""Seconds in which messages are counted for the rate limit."""

GROUP_SETTLE_SECONDS = 600.0
"""Seconds that the end of a common cause waits for those that still fail by it."""

_GROUP_MEMBERS = 2
"""Members of a cause from which on it is told as one."""

_EVERYTHING = (RuleSettings(),)


class Told(BaseModel):
    """What a channel knows of a subject.

    Args:
        state: how it was when it was told.
        failures: how often it had failed then.
        silent: nothing was sent: a known cause explained it, or no try arrived.
        group: the cause by which it was told as one of several; empty for none.
        failed_at: when a message about what came since was given up, None for none: the next
            message to the channel tells it.
    """

    model_config = ConfigDict(frozen=True)

    state: State = State.OK
    failures: int = 0
    silent: bool = False
    group: str = ""
    failed_at: datetime | None = None


class ChannelState(BaseModel):
    """What is remembered of a channel.

    Args:
        told: what it knows of each subject that it does not know as well.
        notice: id of the newest notice that it knows.
        sent_at: when messages of the last hour were sent.
        held: why something is held back, empty for nothing.
    """

    model_config = ConfigDict(frozen=True)

    told: Mapping[str, Told] = {}
    notice: int = 0
    sent_at: tuple[datetime, ...] = ()
    held: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something without an end that was recorded."""

    id: int
    project: str
    section: Section
    at: datetime


@dataclass(frozen=True, slots=True)
class Mute:
    """What is muted; empty names are all."""

    channel: str
    project: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for all channels at one time."""

    subjects: Mapping[str, Subject]
    notices: Sequence[Notice]
    mutes: Sequence[Mute]
    rules: Mapping[str, RuleSettings]
    group_wait: float
    host: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A message, and what the channel knows when it has arrived."""

    title: str
    body: str
    notifications: tuple[int, ...]
    tells: Mapping[str, Told]
    notice: int
    """Id of the newest notice among them, 0 for none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes of a look at a channel.

    Args:
        state: what is remembered of it now.
        draft: what is to be sent, None for nothing.
        wake: when to look again; None when something happens.
    """

    state: ChannelState
    draft: Draft | None = None
    wake: datetime | None = None


@dataclass(slots=True)
class _Changes:
    """What a channel does not know yet."""

    told: dict[str, Told]
    news: list[tuple[NotificationKind, str, Subject]] = field(default_factory=list)
    """Kind, key of what it is told with, and subject."""
    notices: list[Notice] = field(default_factory=list)
    due: list[datetime] = field(default_factory=list)
    later: list[datetime] = field(default_factory=list)


def new_channel(subjects: Mapping[str, Subject], newest_notice: int) -> ChannelState:
    """What a channel is told that was not there before: what happens from now on."""
    told = {
        key: Told(state=subject.state, failures=subject.failures, silent=True)
        for key, subject in subjects.items()
        if subject.state is not State.OK
    }
    return ChannelState(told=told, notice=newest_notice)


def plan(
    name: str, settings: ChannelSettings, state: ChannelState, around: Surroundings, *, busy: bool
) -> Plan:
    """Look what a channel is to be told.

    Args:
        busy: whether a message to it is on its way.
    """
    changes = _changes(name, settings, state, around)
    notice = state.notice
    if not _has_lab(settings, around):
        notice = max((each.id for each in around.notices), default=notice)
    state = state.model_copy(update={"told": changes.told, "notice": notice})
    wakes = list(changes.later)
    if not changes.due:
        return Plan(state.model_copy(update={"held": ""}), None, min(wakes, default=None))
    if busy:
        return Plan(state, None, min(wakes, default=None))
    why, until = _closed(name, settings, state, around)
    if until is not None:
        held = state.held or why
        return Plan(state.model_copy(update={"held": held}), None, min([until, *wakes]))
    first = min(changes.due)
    if first > around.now:
        return Plan(state, None, min([first, *wakes]))
    return Plan(
        state.model_copy(update={"held": ""}),
        _draft(changes, state.held, around.host),
        min(wakes, default=None),
    )


def arrived(
    state: ChannelState, tells: Mapping[str, Told], notice: int, now: datetime
) -> ChannelState:
    """What a channel knows after a message to it arrived, or may have arrived."""
    recent = [at for at in state.sent_at if (now - at).total_seconds() < RATE_SECONDS]
    return state.model_copy(
        update={
            "told": _merge(state.told, tells),
            "notice": max(state.notice, notice),
            "sent_at": (*recent, now),
        }
    )


def not_arrived(
    state: ChannelState, tells: Mapping[str, Told], notice: int, now: datetime
) -> ChannelState:
    """What is remembered of a channel after a message to it was given up: it was told nothing."""
    after: dict[str, Told] = {}
    for key, told in tells.items():
        before = state.told.get(key)
        if before is None or before.silent:
            after[key] = told.model_copy(update={"silent": True})
        else:
            after[key] = before.model_copy(update={"failed_at": now})
    update = {"told": _merge(state.told, after), "notice": max(state.notice, notice)}
    return state.model_copy(update=update)


def matches(rules: Iterable[RuleSettings], subject: Subject) -> RuleSettings | None:
    """The first rule by which a subject is told, None for none."""
    fact = subject.fact
    for rule in rules:
        if (
            fact.topic in rule.on
            and _any(rule.projects, fact.project)
            and (fact.topic != "builds" or _any(rule.branches, fact.branch))
            and (fact.topic != "checks" or _any(rule.checks, fact.check))
        ):
            return rule
    return None


def _any(patterns: Sequence[str], name: str) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _merge(known: Mapping[str, Told], tells: Mapping[str, Told]) -> dict[str, Told]:
    merged = {**known, **tells}
    return {key: told for key, told in merged.items() if told.state is not State.OK}


def _changes(
    name: str, settings: ChannelSettings, state: ChannelState, around: Surroundings
) -> _Changes:
    rules = _rules(settings, around)
    told_of = {key: told for key, told in state.told.items() if key in around.subjects}
    changes = _Changes(told_of)
    down = _known_causes(state, around.subjects)
    for key, subject in around.subjects.items():
        told = told_of.get(key, Told())
        rule = matches(rules, subject)
        if told.silent and subject.state is State.OK:
            told_of.pop(key, None)  # nobody was told that it failed
            continue
        kind = _kind(told, subject, rule)
        is_first = told.silent or told.state is State.OK
        if kind is None or (rule is None and is_first):
            continue
        if until := _muted(name, subject.fact.project, around):
            changes.later.append(until)
            continue
        if kind is NotificationKind.PROBLEM and is_first and _is_explained(subject, down):
            told_of[key] = Told(state=subject.state, failures=subject.failures, silent=True)
            continue
        since = subject.seen_at if told.state is subject.state else subject.changed_at
        group = subject.fact.cause
        if kind is NotificationKind.RECOVERY:
            group = told.group
            if group and (wait := _settles(group, told_of, around)) is not None:
                changes.later.append(wait)
                continue
        changes.news.append((kind, group or key, subject))
        if told.failed_at is None or since > told.failed_at:
            changes.due.append(_due(since, around))
    for notice in around.notices:
        if notice.id > state.notice and _has_lab(settings, around):
            if until := _muted(name, notice.project, around):
                changes.later.append(until)
                continue
            changes.notices.append(notice)
            changes.due.append(_due(notice.at, around))
    return changes


def _due(since: datetime, around: Surroundings) -> datetime:
    """When news is told; what the clock has not reached yet was before somebody set it back."""
    return around.now if since > around.now else since + timedelta(seconds=around.group_wait)


def _kind(told: Told, subject: Subject, rule: RuleSettings | None) -> NotificationKind | None:
    """What there is to tell of a subject, None for nothing."""
    again = subject.state is State.FAILING and subject.failures > told.failures
    if told.silent:
        is_known = told.state is subject.state and not again
        return None if is_known else kind_of_change(State.OK, subject.state)
    if again and told.state is subject.state and rule is not None and rule.every_failure:
        return NotificationKind.PROBLEM
    return kind_of_change(told.state, subject.state)


def _has_lab(settings: ChannelSettings, around: Surroundings) -> bool:
    """Whether a channel is told of problems of espdeck itself."""
    return any("lab" in rule.on for rule in _rules(settings, around))


def _rules(settings: ChannelSettings, around: Surroundings) -> Sequence[RuleSettings]:
    return [around.rules[each] for each in settings.rules if each in around.rules] or _EVERYTHING


def _known_causes(state: ChannelState, subjects: Mapping[str, Subject]) -> dict[str, list[str]]:
    """Topics of what the channel knows to fail still, by its cause; a board is a cause, too."""
    known: dict[str, list[str]] = defaultdict(list)
    for key, told in state.told.items():
        subject = subjects.get(key)
        if subject is None or told.silent or told.state is not State.FAILING:
            continue
        if subject.state is State.OK:
            continue
        if subject.fact.topic == "boards":
            known[key].append(subject.fact.topic)
        if subject.fact.cause and subject.fact.cause != THIS_USB:
            known[subject.fact.cause].append(subject.fact.topic)
    return known


def _is_explained(subject: Subject, known: Mapping[str, Sequence[str]]) -> bool:
    """Whether the channel knows why it fails: several by one cause explain all others, and a board
    that is gone the builds that wanted it."""
    topics = known.get(subject.fact.cause, ())
    return len(topics) >= _GROUP_MEMBERS or (subject.fact.topic != "boards" and "boards" in topics)


def _settles(cause: str, told_of: Mapping[str, Told], around: Surroundings) -> datetime | None:
    """When the end of a common cause is told although some of it goes on; None for now."""
    group = [around.subjects[key] for key, told in told_of.items() if told.group == cause]
    if all(each.state is State.OK for each in group):
        return None
    last = max(each.changed_at for each in group)
    until = last + timedelta(seconds=GROUP_SETTLE_SECONDS)
    return until if until > around.now else None


def _muted(channel: str, project: str, around: Surroundings) -> datetime | None:
    """Until when something is muted; None if it is not."""
    ends = [
        mute.until
        for mute in around.mutes
        if mute.until > around.now
        and mute.channel in ("", channel)
        and (not mute.project or mute.project == project)
    ]
    return max(ends, default=None)


def _closed(
    name: str, settings: ChannelSettings, state: ChannelState, around: Surroundings
) -> tuple[str, datetime | None]:
    """Why nothing can be told now, and until when."""
    now = around.now
    if until := quiet_until(settings, now):
        return f"quiet hours {settings.quiet_hours}", until
    recent = [at for at in state.sent_at if 0 <= (now - at).total_seconds() < RATE_SECONDS]
    if settings.rate_limit and len(recent) >= settings.rate_limit:
        oldest = sorted(recent)[-settings.rate_limit]
        why = f"more than {settings.rate_limit} messages in an hour"
        return why, oldest + timedelta(seconds=RATE_SECONDS)
    return "", None


def _draft(changes: _Changes, held: str, host: str) -> Draft:
    tells: dict[str, Told] = {}
    sections: list[Section] = []
    groups: dict[tuple[str, NotificationKind], list[Subject]] = defaultdict(list)
    for kind, group, subject in changes.news:
        groups[(group, kind)].append(subject)
    for (group, kind), members in groups.items():
        is_group = len(members) >= _GROUP_MEMBERS
        for each in members:
            tells[each.fact.subject] = Told(
                state=each.state, failures=each.failures, group=group if is_group else ""
            )
        if is_group and kind in (NotificationKind.PROBLEM, NotificationKind.RECOVERY):
            sections.append(describe_group(kind, group, members, host))
        else:
            sections += [describe(kind, each, host) for each in members]
    sections += [notice.section for notice in changes.notices]
    title, body = compose(sections, held)
    notifications = tuple(number for each in sections for number in each.notifications)
    notice = max((each.id for each in changes.notices), default=0)
    return Draft(title, body, notifications, tells, notice)
