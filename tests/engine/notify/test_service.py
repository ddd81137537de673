"""Notifications as a whole: from what ended, over a restart or a death, to what was sent."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.enums import CheckStatus, DeliveryStatus
from engine.errors import UsageError
from engine.events import NotificationsChanged, Problem
from engine.notify.apprise_channel import AppriseSender
from engine.notify.outcome import Outcome, Result
from engine.store import notifications as rows
from engine.store import projects
from engine.store.tables import DeliveryRow
from tests.engine.notify.lab import Lab, lab
from tests.engine.notify.receivers import wait_for

CHAT = {"chat": {"url": "json://user:5ecret@127.0.0.1:9/token123"}}


class Service:
    """A service that a channel reaches: what came, and how the next tries end."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.tries = 0
        self.outcomes: list[Outcome] = []
        self.hold: threading.Event | None = None

    def send(self, _number: int, _url: str, *, title: str, body: str, **_more: Any) -> Outcome:
        self.tries += 1
        if self.hold is not None:
            self.hold.wait(20)
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome(Result.SENT)
        if outcome.result is Result.SENT:
            self.sent.append((title, body))
        return outcome

    @property
    def titles(self) -> list[str]:
        return [title for title, _body in self.sent]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """In place of apprise, which is tried by itself."""
    service = Service()
    monkeypatch.setattr(
        AppriseSender, "send", lambda _self, *args, **kwargs: service.send(*args, **kwargs)
    )
    return service


@pytest.fixture
def here(tmp_path: Path, service: Service) -> Iterator[Lab]:
    with lab(tmp_path, channels=CHAT) as here:
        yield here


def test_a_failure_says_what_where_and_how_to_look(here: Lab, service: Service) -> None:
    here.build(failed=True)
    here.step()

    ((title, body),) = service.sent
    assert title == "blink main esp32c3 failed"
    *lines, last = body.split("\n")
    assert re.fullmatch(r"on labhost at \d{4}-\d\d-\d\d \d\d:\d\d UTC: espdeck show 1", last)
    assert lines == [
        "build #1 failed in stage build: it does not compile",
        "main/app.c:12: expected ';'",
        "commit 3f2a1b9c3 'Blink twice' by Ada, branch main",
        "triggered: manual, by bob",
    ]
    (row,) = here.notifications.list()
    assert (row.title, row.body, row.run_id) == (title, body, 1)
    assert [each.status for each in here.notifications.deliveries(row.number)] == ["sent"]


def test_aborts_restarts_tasks_and_uncommitted_changes_are_no_news(
    here: Lab, service: Service
) -> None:
    here.cancelled()
    here.task(failed=True)
    here.build(failed=True, dirty=True)
    here.step()

    assert service.sent == []
    assert here.titles == []


def test_variants_fail_each_for_itself(here: Lab, service: Service) -> None:
    here.build(failed=True)
    here.build(failed=False, configuration="release")
    here.step()

    assert here.titles == ["blink main esp32c3 failed"]


def test_errors_of_a_check_are_told_once_from_the_threshold_on(here: Lab, service: Service) -> None:
    project = here.project()
    for status in ("error", "error", "warning", "error", "error", "error", "error", "warning"):
        here.check(CheckStatus(status), project=project)
        here.step(minutes=10)

    assert here.titles == ["blink doc_check fails", "blink doc_check recovered"]
    assert service.titles == here.titles
    assert "3 errors in a row" in service.sent[0][1]


def looked_at(here: Lab, *states: str, times: int = 1) -> None:
    """Looks at boards, ten minutes apart, that find each so."""
    boards = [
        {
            "board": f"usb-{number}",
            "label": "",
            "state": state,
            "errors": ["does not answer: esptool got no reply"]
            if state == "does not answer"
            else ["left the pool: it does not boot"]
            if state == "answers badly"
            else [],
            "hub": "1-1.4",
        }
        for number, state in enumerate(states)
    ]
    for _ in range(times):
        here.check(CheckStatus.ERROR, "board_check", details={"boards": boards})
        here.step(minutes=10)


def test_boards_of_a_hub_are_one_message(here: Lab, service: Service) -> None:
    looked_at(here, *["answers"] * 8)
    looked_at(here, *["off"] * 4, *["does not answer"] * 4, times=3)
    assert service.titles == ["hub 1-1.4: 8 boards do not answer"]

    looked_at(here, *["answers"] * 8)
    assert service.titles[1:] == ["hub 1-1.4: 8 boards answer again"]


def test_a_board_that_nobody_plugged_in_or_has_in_use_is_no_news(
    here: Lab, service: Service
) -> None:
    looked_at(here, "off", "in use by bob", "reserved by ada", times=5)
    looked_at(here, "answers", "answers", "in use by bob")
    looked_at(here, "in use by bob", "answers", "not looked at: no time was left", times=5)

    assert here.titles == []


def test_boards_that_fail_each_for_itself_are_told_each(here: Lab, service: Service) -> None:
    looked_at(here, "answers badly", "answers", times=3)
    looked_at(here, "answers badly", "off", times=3)

    assert service.titles == [
        "board usb-0 left the pool: it does not boot",
        "board usb-1 is gone",
    ]


def test_a_problem_of_espdeck_is_told_once_in_hours(here: Lab, service: Service) -> None:
    for number in range(3):
        here.problem(f"logs wait to be written: {number} of them")
        here.step(minutes=30)
    here.now += timedelta(hours=5)
    here.problem("logs wait to be written: 7 of them")
    here.step()

    assert service.titles == [
        "logs wait to be written: 0 of them",
        "logs wait to be written: 7 of them",
    ]


def test_a_channel_that_is_not_told_of_espdeck_keeps_no_other_waiting(
    tmp_path: Path, service: Service
) -> None:
    rules = {"builds": {"on": ["builds"]}}
    channels = {**CHAT, "few": {"url": "json://127.0.0.1:9/f", "rules": ["builds"]}}
    with lab(tmp_path, channels=channels, rules=rules) as here:
        for letter in "abcdef":
            here.problem(f"problem {letter}")
        here.step()

        assert service.titles == ["6 news: problem a; problem b; problem c; problem d; problem e"]
        known = rows.load_state(here.store)["channel:few"]["notice"]
        assert known == 6


def test_news_is_told_though_the_clock_was_set_back(here: Lab, service: Service) -> None:
    here.configure(channels=CHAT, group_wait_seconds=30)
    here.build(failed=True)
    here.step()
    here.step(minutes=-600)

    assert service.titles == ["blink main esp32c3 failed"]


def test_a_restart_tells_nothing_twice_and_nothing_that_was_before(
    tmp_path: Path, service: Service
) -> None:
    with lab(tmp_path) as here:
        here.build(failed=True)
        here.step()
        here.configure(channels=CHAT)  # while it runs
        here.step()
        here.build(failed=True)
        here.step()
        for _ in range(3):
            here.restart()
            here.step()

        assert service.titles == ["blink main esp32c3 failed"]
        here.build(failed=False)
        here.step()
        assert service.titles[1:] == ["blink main esp32c3 recovered"]


def test_what_ended_without_its_event_is_told_at_the_next_start(
    here: Lab, service: Service
) -> None:
    run = here.begin()
    here.step()
    here.now += timedelta(minutes=1)
    # kill -9 between the row and its event: what the bus had is lost.
    from engine.store import runs

    runs.finish_run(here.store, run.number, status="failed", error="no")  # type: ignore[arg-type]
    with here.store.write() as session:
        row = session.get_one(type(run), run.number)
        row.completed_at = here.now
        session.add(row)
    for _ in range(3):
        here.check(CheckStatus.ERROR, project=here.project(), told=False)
    here.restart()
    here.step()
    here.restart()
    here.step()

    (title,) = service.titles
    assert title == "2 news: blink main esp32c3 failed; blink doc_check fails"


@pytest.mark.parametrize(
    ("kept", "sent_again", "status"),
    [
        (None, True, "sent"),
        (Outcome(Result.SENT), False, "sent"),
        (Outcome(Result.UNKNOWN, "espdeck ended while it was sent"), False, "unknown"),
    ],
)
def test_what_was_sent_when_espdeck_died(
    here: Lab,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    kept: Outcome | None,
    sent_again: bool,
    status: str,
) -> None:
    hold = service.hold = threading.Event()
    here.build(failed=True)
    here.journal.flush()
    here.notifications.step()
    wait_for(lambda: service.tries == 1)
    dead = here.notifications
    service.hold = None
    monkeypatch.setattr(AppriseSender, "find", lambda _self, _number: kept)
    monkeypatch.setattr(type(dead._decisions), "finish", _only(here, dead._decisions))

    here.restart()
    here.step()

    assert len(service.titles) == int(sent_again)
    (row,) = here.notifications.list()
    (delivery,) = here.notifications.deliveries(row.number)
    assert delivery.status == status
    hold.set()
    dead.settle(20)


def _only(here: Lab, dead: Any) -> Callable[..., bool]:
    """``finish`` of all but the dead: it wrote nothing any more."""
    finish = type(dead).finish

    def changed(self: Any, row: DeliveryRow, outcome: Outcome) -> bool:
        return False if self is dead else bool(finish(self, row, outcome))

    return changed


def test_a_service_that_fails_is_tried_again_later_and_later(here: Lab, service: Service) -> None:
    service.outcomes = [Outcome(Result.RETRY, "HTTP 503")] * 4
    here.build(failed=True)
    waits = []
    due = here.step()
    while not service.sent:
        assert due is not None
        waits.append((due - here.now).total_seconds())
        here.now = due
        due = here.step()

    assert waits == [30, 60, 120, 240]
    assert service.tries == 5


def test_a_service_says_when_to_come_again(here: Lab, service: Service) -> None:
    service.outcomes = [Outcome(Result.RETRY, "HTTP 429", after=600.0)]
    here.build(failed=True)
    due = here.step()

    assert due == here.now + timedelta(seconds=600)


def test_after_a_day_it_is_given_up_and_its_recovery_is_not_told(
    here: Lab, service: Service
) -> None:
    service.outcomes = [Outcome(Result.RETRY, "connection refused")] * 100
    here.build(failed=True)
    due = here.step()
    began = here.now
    while due is not None:
        assert due - began <= timedelta(days=1)
        here.now = due
        due = here.step()
    service.outcomes.clear()
    here.build(failed=False)
    here.step()

    (problem,) = here.notifications.list()[1:]
    (delivery,) = here.notifications.deliveries(problem.number)
    assert (delivery.status, delivery.error) == (DeliveryStatus.FAILED, "connection refused")
    assert service.sent == []
    assert here.titles[-1] == "blink main esp32c3 recovered"  # recorded all the same


def test_what_may_have_arrived_is_not_sent_twice_and_its_recovery_is(
    here: Lab, service: Service
) -> None:
    service.outcomes = [Outcome(Result.UNKNOWN, "no answer: timed out")]
    here.build(failed=True)
    here.step()
    here.step(minutes=600)
    assert service.tries == 1
    here.build(failed=False)
    here.step()

    assert service.titles == ["blink main esp32c3 recovered"]


def test_what_comes_while_a_service_is_down_is_one_message_after_it(
    here: Lab, service: Service
) -> None:
    service.outcomes = [Outcome(Result.RETRY, "HTTP 503")] * 3
    here.build(failed=True)
    here.step()
    for name in ("a", "b", "c"):
        here.build(failed=True, project=here.project(name))
        here.step()
    here.build(failed=False, project=here.project("a"))
    here.step(minutes=60)
    here.step(minutes=60)
    here.step(minutes=60)

    assert service.titles == [
        "blink main esp32c3 failed",
        "2 news: b main esp32c3 failed; c main esp32c3 failed",
    ]


def test_one_channel_that_hangs_delays_no_other(tmp_path: Path, service: Service) -> None:
    two = {**CHAT, "other": {"url": "json://127.0.0.1:9/b"}}
    hold = threading.Event()
    came: list[str] = []

    def send(_number: int, url: str, **_more: Any) -> Outcome:
        if "token123" in url:
            hold.wait(20)
        came.append(url)
        return Outcome(Result.SENT)

    service.send = send  # type: ignore
    with lab(tmp_path, channels=two) as here:
        here.build(failed=True)
        here.journal.flush()
        here.notifications.step()
        wait_for(lambda: came == ["json://127.0.0.1:9/b"])
        hold.set()


def test_it_wakes_by_what_happens(here: Lab, service: Service) -> None:
    cancel = CancelToken()
    here.restart()
    thread = threading.Thread(target=here.notifications.run, args=(cancel,))
    thread.start()
    here.journal.start()
    wait_for(lambda: bool(rows.load_state(here.store)))
    here.build(failed=True)
    wait_for(lambda: bool(service.sent))
    wait_for(lambda: NotificationsChanged in map(type, here.events))
    cancel.interrupt()
    thread.join(20)
    here.journal.close()

    assert not thread.is_alive()


def test_what_is_on_its_way_when_espdeck_ends_arrives(here: Lab, service: Service) -> None:
    hold = service.hold = threading.Event()
    here.build(failed=True)
    here.journal.flush()
    cancel = CancelToken()
    thread = threading.Thread(target=here.restart().run, args=(cancel,))
    thread.start()
    wait_for(lambda: service.tries == 1)
    cancel.interrupt()
    hold.set()
    thread.join(20)

    assert [row.status for row in here.deliveries()] == [DeliveryStatus.SENT]


def test_mutes_end_by_themselves_or_by_hand(here: Lab, service: Service) -> None:
    here.project()
    mute = here.notifications.mute(
        project="blink", hold=timedelta(hours=2), reason="new board", by="ada"
    )
    assert mute.until == here.now + timedelta(hours=2)
    here.build(failed=True)
    due = here.step()
    assert (service.sent, due) == ([], mute.until)
    assert here.notifications.unread() == 1

    here.notifications.unmute(project="blink")
    here.step()
    assert service.titles == ["blink main esp32c3 failed"]

    here.notifications.mute(channel="chat", hold=timedelta(minutes=5))
    assert here.notifications.channels()[0].muted_until == here.now + timedelta(minutes=5)
    here.step(minutes=6)
    assert here.notifications.mutes() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"channel": "nobody"}, r"no channel is called nobody \(there are chat\)"),
        ({"project": "nobody"}, "no project is called nobody"),
        ({"hold": timedelta(days=400)}, "up to 365d"),
        ({"hold": timedelta(0)}, "up to 365d"),
    ],
)
def test_mutes_that_make_no_sense(here: Lab, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        here.notifications.mute(**{"hold": timedelta(hours=1), **given})


def test_reading(here: Lab) -> None:
    for name in ("a", "b", "c"):
        here.build(failed=True, project=here.project(name))
    here.step()
    newest = here.notifications.list(limit=1)[0]

    assert here.notifications.mark_read([newest.number]) == 1
    assert here.notifications.unread() == 2
    assert [row.number for row in here.notifications.list(unread=True)] == [2, 1]
    assert [row.number for row in here.notifications.list(before=2)] == [1]
    assert here.notifications.mark_read() == 2
    assert here.notifications.mark_read() == 0


def test_a_test_is_sent_whatever_is_muted(here: Lab, service: Service) -> None:
    here.notifications.mute(hold=timedelta(hours=1))

    assert here.notifications.test("chat").status is DeliveryStatus.SENT
    assert service.titles == ["espdeck on labhost: a test"]
    service.outcomes = [Outcome(Result.RETRY, "HTTP 404: no such hook")]
    failed = here.notifications.test("chat")
    assert (failed.status, failed.error) == (DeliveryStatus.FAILED, "HTTP 404: no such hook")
    info = here.notifications.channels()[0]
    assert info.last is not None
    assert (info.last.number, info.where) == (failed.number, "json://127.0.0.1/***")


def test_a_channel_that_is_taken_out_of_the_settings_gets_nothing_more(
    here: Lab, service: Service
) -> None:
    service.outcomes = [Outcome(Result.RETRY, "HTTP 503")]
    here.build(failed=True)
    here.step()
    here.configure()
    here.step(minutes=10)

    assert rows.open_deliveries(here.store) == []
    assert service.sent == []


def test_a_project_that_is_removed_is_forgotten(here: Lab, service: Service) -> None:
    here.build(failed=True)
    here.step()
    projects.remove_project(here.store, here.project().id)
    here.restart()
    here.step(minutes=25 * 60)

    assert [key for key in rows.load_state(here.store) if key.startswith("subject:")] == []


def test_old_notifications_go(here: Lab) -> None:
    here.build(failed=True)
    here.step()
    here.step(minutes=91 * 24 * 60)

    assert here.notifications.list() == []


def test_a_look_where_nothing_happened_writes_nothing(here: Lab) -> None:
    here.build(failed=True)
    here.step()
    with here.store.watch() as version:
        before = version()
        here.notifications.step()
        here.notifications.step()

        assert version() == before


def test_recipients_and_a_webhook_are_channels(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "recipients": ["ada@lab.example", "bob@lab.example"],
        "mail_server": "mailtos://u:pa55word@smtp.lab.example",
        "slack_webhook": "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXr",
    }
    with lab(tmp_path, **settings) as here:
        shown = {info.name: info.where for info in here.notifications.channels()}

        assert shown == {
            "mail": "mailtos://smtp.lab.example/***",
            "slack": "https://hooks.slack.com/***",
        }
        assert "pa55word" not in repr(here.settings)
        assert "TIiajkdn" not in repr(here.settings)


def test_what_is_more_than_one_look_takes_is_looked_at_at_once(tmp_path: Path) -> None:
    with lab(tmp_path) as here:
        events = [Problem(message=f"disk {'x' * number}") for number in range(250)]
        for event in events:
            here.bus.publish(event)
        here.journal.flush()
        assert here.notifications.step() == here.now
        assert here.notifications.unread() == 200
        here.notifications.step()
        assert here.notifications.unread() == 250
