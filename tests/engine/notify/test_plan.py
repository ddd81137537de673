"""What a channel is told, in which order, by a clock that the tests hold."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from engine.notification_settings import ChannelSettings, RuleSettings
from engine.notify.plan import (
    ChannelState,
    Draft,
    Mute,
    Surroundings,
    arrived,
    new_channel,
    not_arrived,
    plan,
)
from engine.notify.subjects import THIS_USB, Fact, State, Subject, fold

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Channel:
    """A channel, subjects and a clock."""

    def __init__(self, **settings: object) -> None:
        self.settings = ChannelSettings.model_validate(
            {"url": SecretStr("json://h"), "time_zone": "UTC", **settings}
        )
        self.state = ChannelState()
        self.subjects: dict[str, Subject] = {}
        self.mutes: list[Mute] = []
        self.rules: dict[str, RuleSettings] = {}
        self.now = MONDAY
        self.wait = 0.0
        self.sent: list[str] = []
        self.bodies: list[str] = []
        self.arrives = True
        self._number = 0

    def result(self, name: str, *, failed: bool, topic: str = "builds", cause: str = "") -> None:
        """One more result, at once looked at."""
        self._number += 1
        fact = Fact(
            subject=f"{topic}:{name}",
            result=str(self._number),
            topic=topic,  # type: ignore[arg-type]
            name=name,
            project=name,
            failed=failed,
            at=self.now,
            cause=cause,
            summary="it says why",
            command="espdeck show 12",
        )
        before = self.subjects.get(fact.subject)
        self.subjects[fact.subject] = fold(before, fact, self.now)

    def look(self) -> datetime | None:
        """Plan until nothing is due; deliver what is."""
        around = Surroundings(self.subjects, (), self.mutes, self.rules, self.wait, "lab", self.now)
        planned = plan("chat", self.settings, self.state, around, busy=False)
        self.state = planned.state
        if planned.draft is not None:
            self.deliver(planned.draft)
        return planned.wake

    def deliver(self, draft: Draft) -> None:
        """What becomes of a message."""
        if self.arrives:
            self.sent.append(draft.title)
            self.bodies.append(draft.body)
            self.state = arrived(self.state, draft.tells, draft.notice, self.now)
        else:
            self.state = not_arrived(self.state, draft.tells, draft.notice, self.now)

    def results(self, text: str, name: str = "blink", **more: str) -> None:
        """Results a minute apart: ``x`` failed, ``.`` did not."""
        for each in text:
            self.result(name, failed=each == "x", **more)
            self.look()
            self.now += MINUTE


def test_the_first_failure_of_a_streak_and_its_end_are_told() -> None:
    channel = Channel()
    channel.results("..xxx...x.")

    assert channel.sent == [
        "blink failed",
        "blink recovered",
        "blink failed",
        "blink is flapping",  # the fourth change
    ]


def test_every_failure_is_told_where_a_rule_says_so() -> None:
    channel = Channel(rules=("all",))
    channel.rules = {"all": RuleSettings(every_failure=True)}
    channel.results("xxx.")

    assert channel.sent == ["blink failed"] * 3 + ["blink recovered"]
    assert "3 failures in a row" in channel.bodies[2]


def test_flapping_is_one_message_and_its_end_another() -> None:
    channel = Channel()
    channel.results("x.x.x.x.x.x......")

    assert channel.sent[3:] == [
        "blink recovered",
        "blink is flapping",
        "blink stopped flapping: it works",
    ]
    assert channel.sent[:3] == ["blink failed", "blink recovered", "blink failed"]


def test_what_fails_when_flapping_ends_recovers_later() -> None:
    channel = Channel()
    channel.results("x.x.xxxxx.")

    assert channel.sent[4:] == [
        "blink is flapping",
        "blink stopped flapping: it fails",
        "blink recovered",
    ]


def test_rules_are_about_projects_topics_and_branches() -> None:
    channel = Channel(rules=("mine",))
    channel.rules = {"mine": RuleSettings(projects=("bl*",), on=("builds",))}
    channel.results("x.", "blink")
    channel.results("x.", "other")
    channel.results("x.", "blink", topic="checks")

    assert channel.sent == ["blink failed", "blink recovered"]


def test_a_rule_that_changes_leaves_no_problem_without_its_end() -> None:
    channel = Channel(rules=("mine",))
    channel.rules = {"mine": RuleSettings()}
    channel.results("x")
    channel.rules = {"mine": RuleSettings(projects=("nothing",))}
    channel.results(".x.")

    assert channel.sent == ["blink failed", "blink recovered"]


def test_a_hub_that_goes_down_is_one_message() -> None:
    channel = Channel()
    channel.wait = 30.0
    for board in "abcdefgh":
        channel.result(board, failed=True, topic="boards", cause="hub 1-1.4")
    channel.result("blink", failed=True, cause="hub 1-1.4")
    assert channel.look() == channel.now + timedelta(seconds=30)
    channel.now += timedelta(seconds=30)
    channel.look()
    # What comes later by the same cause is no news.
    channel.now += 20 * MINUTE
    channel.result("i", failed=True, topic="boards", cause="hub 1-1.4")
    channel.result("other", failed=True, cause="hub 1-1.4")
    channel.now += MINUTE
    channel.look()

    assert channel.sent == ["hub 1-1.4: 8 boards do not answer"]
    assert channel.bodies[0].startswith("a, b, c, d, e, f, g, h\n")
    assert "blink: it says why" in channel.bodies[0]

    for board in "abcdefg":
        channel.result(board, failed=False, topic="boards", cause="hub 1-1.4")
    channel.look()
    assert len(channel.sent) == 1  # one is missing still
    channel.now += MINUTE
    for board in "hi":
        channel.result(board, failed=False, topic="boards", cause="hub 1-1.4")
    channel.result("blink", failed=False)
    channel.result("other", failed=False)
    channel.now += MINUTE
    channel.look()

    assert channel.sent[1:] == ["hub 1-1.4: 8 boards answer again"]
    assert "blink: it says why" in channel.bodies[1]


def test_boards_whose_hub_nobody_knows_explain_only_their_builds() -> None:
    channel = Channel()
    for board in "ab":
        channel.result(board, failed=True, topic="boards", cause=THIS_USB)
    channel.look()
    channel.now += MINUTE
    channel.result("c", failed=True, topic="boards", cause=THIS_USB)
    channel.result("blink", failed=True, cause="boards:a")  # as the key of that board
    channel.result("other", failed=True, cause="boards:d")
    channel.look()

    assert channel.sent == [
        "USB of this machine: 2 boards do not answer",
        "2 news: c it says why; other failed",
    ]


def test_what_goes_on_of_a_hub_does_not_hide_what_ended() -> None:
    channel = Channel()
    for board in "abc":
        channel.result(board, failed=True, topic="boards", cause="host lab2")
    channel.look()
    channel.now += MINUTE
    for board in "ab":
        channel.result(board, failed=False, topic="boards", cause="host lab2")
    wake = channel.look()
    assert wake == channel.now + timedelta(minutes=10)
    channel.now = wake
    channel.look()

    assert channel.sent == [
        "host lab2: 3 boards do not answer",
        "host lab2: 2 boards answer again",
    ]


def test_quiet_hours_hold_back_and_tell_what_is_left_of_it() -> None:
    channel = Channel(quiet_hours="22:00-07:00")
    channel.results("x", "before")
    channel.now = MONDAY.replace(hour=23)
    channel.results("x.", "came and went")
    channel.results("x", "blink")
    channel.results(".", "before")
    assert channel.sent == ["before failed"]
    assert channel.state.held == "quiet hours 22:00-07:00"
    wake = channel.look()
    assert wake == MONDAY.replace(day=24, hour=7)
    channel.now = wake
    channel.look()

    assert channel.sent[1:] == ["2 news: before recovered; blink failed"]
    assert channel.bodies[1].startswith("(held back: quiet hours 22:00-07:00)\n")
    assert "came and went" not in channel.bodies[1]


def test_a_mute_holds_back_and_the_end_of_what_was_told_comes_after_it() -> None:
    channel = Channel()
    channel.results("x", "blink")
    until = channel.now + timedelta(hours=2)
    channel.mutes = [Mute("", "blink", until)]
    channel.results(".", "blink")
    channel.results("x.", "other")
    assert channel.look() == until
    assert channel.sent == ["blink failed", "other failed", "other recovered"]
    channel.now = until
    channel.look()

    assert channel.sent[3:] == ["blink recovered"]


def test_what_failed_before_a_mute_and_fails_after_it_is_not_told_again() -> None:
    channel = Channel()
    channel.results("x")
    channel.mutes = [Mute("chat", "", channel.now + timedelta(hours=1))]
    channel.results("x.x")
    channel.now += timedelta(hours=2)
    channel.look()

    assert channel.sent == ["blink failed"]


def test_beyond_the_rate_there_is_one_message_with_all() -> None:
    channel = Channel(rate_limit=3)
    for number in range(10):
        channel.results("x", f"p{number}")
    assert channel.sent == ["p0 failed", "p1 failed", "p2 failed"]
    wake = channel.look()
    assert wake == MONDAY + timedelta(hours=1)
    channel.now = wake
    channel.look()

    assert channel.sent[3].startswith("7 news: p3 failed; p4 failed")
    assert channel.bodies[3].startswith("(held back: more than 3 messages in an hour)")
    assert all(f"p{number} failed" in channel.bodies[3] for number in range(3, 10))


def test_a_problem_that_never_arrived_has_no_recovery() -> None:
    channel = Channel()
    channel.arrives = False
    channel.results("x")
    channel.arrives = True
    channel.results(".x.")

    assert channel.sent == ["blink failed", "blink recovered"]


def test_the_next_failure_is_told_where_the_first_never_arrived() -> None:
    channel = Channel()
    channel.arrives = False
    channel.results("x")
    channel.arrives = True
    channel.look()
    assert channel.sent == []
    channel.results("xx.")

    assert channel.sent == ["blink failed", "blink recovered"]


def test_a_recovery_that_never_arrived_is_told_with_the_next_message() -> None:
    channel = Channel()
    channel.results("x", "blink")
    channel.arrives = False
    channel.results(".", "blink")
    channel.arrives = True
    channel.look()
    assert channel.sent == ["blink failed"]
    channel.results("x", "other")

    assert channel.sent[1:] == ["2 news: blink recovered; other failed"]


def test_flapping_that_cannot_be_told_is_not_tried_for_ever() -> None:
    channel = Channel()
    channel.arrives = False
    channel.results("x.x.x.x.")
    channel.arrives = True
    channel.look()

    assert channel.sent == []


def test_a_new_channel_is_told_what_happens_from_now_on() -> None:
    channel = Channel()
    channel.results("x", "old")
    channel.sent.clear()
    channel.state = new_channel(channel.subjects, 0)
    channel.results(".", "old")
    channel.results("x", "blink")

    assert channel.sent == ["blink failed"]


def test_what_a_channel_knows_of_a_project_that_is_gone_is_forgotten() -> None:
    channel = Channel()
    channel.results("x")
    channel.subjects.clear()
    channel.look()

    assert channel.state.told == {}


def test_a_simulated_week_of_nightly_builds_and_checks() -> None:
    channel = Channel(quiet_hours="22:00-06:00")
    channel.now = MONDAY.replace(hour=0)
    while channel.now < MONDAY.replace(hour=0) + timedelta(days=7):
        day, hour = channel.now.day - 23, channel.now.hour
        if hour == 3:
            channel.result("nightly", failed=day in (1, 2, 5))
        channel.result("doc_check", failed=day == 3 and 9 <= hour < 12, topic="checks")
        channel.look()
        channel.now += timedelta(hours=1)

    assert channel.sent == [
        "nightly failed",  # of Tuesday, told at six
        "nightly recovered",  # of Thursday
        "doc_check fails",
        "doc_check recovered",
        "nightly failed",  # of Saturday
        "nightly is flapping",  # Sunday's is the fourth change in its results
    ]


class Reader:
    """What somebody believes who reads all messages and nothing else."""

    def __init__(self) -> None:
        self.believes: dict[str, State] = {}
        self.counts: Counter[tuple[str, str]] = Counter()

    def read(self, text: str) -> None:
        """Read titles of a message."""
        for name, words in re.findall(
            r"(?m)^(?:\d+ news: )?(p\d) (failed|recovered|is flapping|stopped flapping: it \w+)",
            text,
        ):
            before = self.believes.get(name, State.OK)
            self.counts[(name, words)] += 1
            if words == "recovered":
                assert before is State.FAILING, "a recovery without its problem"
                self.believes[name] = State.OK
            elif words == "failed":
                assert before is State.OK, "a problem that was told already"
                self.believes[name] = State.FAILING
            elif words == "is flapping":
                assert before is not State.FLAPPING
                self.believes[name] = State.FLAPPING
            else:
                assert before is State.FLAPPING
                fails = words.endswith("fails")
                self.believes[name] = State.FAILING if fails else State.OK


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),  # which
            st.booleans(),  # failed
            st.integers(0, 500),  # minutes until the next
            st.sampled_from(["", "", "", "mute all", "mute one", "lost"]),
        ),
        max_size=60,
    ),
    st.integers(0, 4),
    st.booleans(),
)
def test_a_recovery_is_told_exactly_if_its_problem_was(
    happened: list[tuple[int, bool, int, str]], rate: int, quiet: bool
) -> None:
    channel = Channel(rate_limit=rate, quiet_hours="20:00-09:00" if quiet else "")
    channel.wait = 30.0
    reader = Reader()

    def look() -> None:
        count = len(channel.sent)
        channel.look()
        for title, body in zip(channel.sent[count:], channel.bodies[count:], strict=True):
            reader.read(title if "news:" not in title else body)

    for which, failed, minutes, also in happened:
        channel.arrives = also != "lost"
        if also.startswith("mute"):
            project = "" if also == "mute all" else "p0"
            channel.mutes.append(Mute("", project, channel.now + timedelta(hours=3)))
        channel.result(f"p{which}", failed=failed)
        look()
        for _ in range(2):
            channel.now += timedelta(minutes=minutes) / 2
            look()
    channel.arrives = True
    for _ in range(3):  # all that held something back ends
        channel.now += timedelta(days=1)
        channel.now = channel.now.replace(hour=12)
        look()

    for name, subject in channel.subjects.items():
        told = channel.state.told.get(name)
        if told is None or not (told.silent or told.failed_at):
            believed = reader.believes.get(name.removeprefix("builds:"), State.OK)
            assert believed is subject.state
