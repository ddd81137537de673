"""What is told of: subjects, and what each result makes of them. Pure: no clock, no store.

A subject is what can fail and recover: the builds of one project, branch and variant, a check of a
project, a board, a problem of espdeck itself. It flaps when it changed at least
:data:`FLAPPING_CHANGES` times in its last :data:`HISTORY` results, and is steady again when
:data:`STEADY_RESULTS` in a row agree: Nagios' detection of flapping with its two thresholds, in
numbers of results that a person can count, as builds come hours apart
(https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/flapping.html).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from engine.enums import NotificationKind
from engine.notification_settings import Topic

HISTORY = 10
"""Results that are looked at."""

FLAPPING_CHANGES = 4
"""Changes among these from which on a subject flaps."""

STEADY_RESULTS = 5
"""Results in a row that end it."""


THIS_USB = "USB of this machine"
"""The cause of boards that are silent where nobody knows their hub: what is told at once is told
together, and it explains nothing that comes later."""


class State(StrEnum):
    """How a subject is."""

    OK = "ok"
    FAILING = "failing"
    FLAPPING = "flapping"


class Fact(BaseModel):
    """One result of a subject, and what a person should know of it. Texts are untrusted.

    Args:
        subject: what it is about, such as ``check:doc_check:PROJECT_ID``.
        result: what tells this result from others, so that none counts twice.
        name: what people call the subject.
        cause: what may make others fail, too, such as a hub; empty for none.
        threshold: failures in a row before it counts as failing.
        summary: what came of it, in a line.
        lines: more lines about it.
        command: what shows more.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    result: str
    topic: Topic
    name: str
    failed: bool
    at: datetime
    project: str = ""
    branch: str = ""
    check: str = ""
    cause: str = ""
    threshold: int = 1
    summary: str = ""
    lines: tuple[str, ...] = ()
    command: str = ""
    run_id: int | None = None


class Subject(BaseModel):
    """How a subject is, and how it came to be so.

    Args:
        fact: its last result.
        errors: failures in a row.
        failures: failures since it counts as failing.
        history: whether its last results were failures, oldest first.
        changed_at: when its state changed last, and ``seen_at`` when its last result was seen, by
            the clock of who tells.
        notification: id of the notification of that change, 0 for none.
    """

    model_config = ConfigDict(frozen=True)

    fact: Fact
    state: State = State.OK
    errors: int = 0
    failures: int = 0
    history: tuple[bool, ...] = ()
    changed_at: datetime
    seen_at: datetime
    notification: int = 0

    @property
    def changes(self) -> int:
        """How often it changed in its last results."""
        return sum(one is not other for one, other in pairwise(self.history))


def fold(subject: Subject | None, fact: Fact, now: datetime) -> Subject:
    """A subject after one more result."""
    if subject is None:
        subject = Subject(fact=fact, changed_at=now, seen_at=now)
    elif fact.result == subject.fact.result:
        return subject
    history = (*subject.history, fact.failed)[-HISTORY:]
    errors = subject.errors + 1 if fact.failed else 0
    after = subject.model_copy(update={"fact": fact, "history": history, "errors": errors})
    state = _state(after, subject.state)
    changed = state is not subject.state
    if changed and subject.state is State.FLAPPING:
        history = history[-1:]  # else one more change would make it flap again
    failures = 0
    if state is State.FAILING:
        failures = 1 if changed else subject.failures + 1
    return after.model_copy(
        update={
            "state": state,
            "history": history,
            "failures": failures,
            "changed_at": now if changed else subject.changed_at,
            "seen_at": now,
        }
    )


def kind_of_change(before: State, after: State) -> NotificationKind | None:
    """What there is to tell someone who knows a subject as ``before``; None for nothing."""
    if before is after:
        return None
    if after is State.FLAPPING:
        return NotificationKind.FLAPPING
    if before is State.FLAPPING:
        return NotificationKind.STEADY
    return NotificationKind.PROBLEM if after is State.FAILING else NotificationKind.RECOVERY


def _state(subject: Subject, before: State) -> State:
    last = subject.history[-STEADY_RESULTS:]
    steady = len(last) == STEADY_RESULTS and len(set(last)) == 1
    if not steady and (before is State.FLAPPING or subject.changes >= FLAPPING_CHANGES):
        return State.FLAPPING
    if not subject.fact.failed:
        return State.OK
    known = before is not State.OK or subject.errors >= subject.fact.threshold
    return State.FAILING if known else State.OK
