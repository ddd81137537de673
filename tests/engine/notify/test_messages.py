"""What a message says, and what it never says."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.enums import NotificationKind, RunStatus, Severity, StageStatus
from engine.notify.apprise_child import defuse
from engine.notify.facts import build_fact, cause_of_board
from engine.notify.messages import Section, compose, line
from engine.notify.outcome import hide, seconds, show_url
from engine.store.notifications import RunStory
from engine.store.tables import FindingRow, Project, Run, StageRow
from engine.text import clean

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def story(*stages: tuple[str, int], findings: tuple[tuple[str, int, str], ...] = ()) -> RunStory:
    """A build that failed in stages of attempts, with errors of theirs."""
    run = Run(
        id=12,
        project_id=uuid.uuid4(),
        commit_sha="3f2a1b9c" * 5,
        commit_message="Blink\n\nmore",
        branch="main",
        target="esp32c3",
        status=RunStatus.FAILED,
        error="it failed",
        created_at=NOON,
        completed_at=NOON,
    )
    return RunStory(
        run,
        Project(name="blink", source="s", target="esp32c3"),
        [
            StageRow(
                run_id=12,
                key=key,
                agent="a",
                phase="p",
                attempt=attempt,
                status=StageStatus.FAILED,
            )
            for key, attempt in stages
        ],
        [
            FindingRow(
                run_id=12,
                stage=stage,
                attempt=attempt,
                severity=Severity.ERROR,
                code="stage.failed",
                message=message,
                file="main/a.c" if message.startswith("expected") else None,
                line=3,
            )
            for stage, attempt, message in findings
        ],
    )


def test_the_stage_is_the_first_that_failed() -> None:
    fact = build_fact(story(("test.board", 1), ("judge", 1), ("repair", 1)), {})

    assert fact is not None
    assert fact.summary == "build #12 failed in stage board: it failed"


def test_the_finding_is_an_error_that_names_its_place() -> None:
    findings = (("build", 1, "no place"), ("build", 1, "expected x"))
    fact = build_fact(story(("build", 1), findings=findings), {})

    assert fact is not None
    assert fact.lines[0] == "main/a.c:3: expected x"


def test_a_build_that_failed_by_a_board_that_is_gone_has_its_cause() -> None:
    hubs = {"usb-A": "hub 1-1.4"}
    gone = (("test.board", 1, "usb-A: not plugged in"),)
    other = (("build", 1, "usb-A: not plugged in"),)

    assert (fact := build_fact(story(findings=gone), hubs)) and fact.cause == "hub 1-1.4"
    assert (fact := build_fact(story(findings=other), hubs)) and fact.cause == ""
    usb = {"usb-A": "USB of this machine"}
    assert (fact := build_fact(story(findings=gone), usb)) and fact.cause == "board:usb-A"


@pytest.mark.parametrize(
    ("board", "hub", "cause"),
    [
        ("usb-A", "1-1.4", "hub 1-1.4"),
        ("usb-A", "", "USB of this machine"),
        ("socket://lab2:4000", "", "host lab2"),
        ("rfc2217://[fe80::1]:4000", "", "host fe80::1"),
        ("virtual:esp32c3", "", ""),
        ("socket://[broken", "", "USB of this machine"),
    ],
)
def test_what_takes_other_boards_away_with_a_board(board: str, hub: str, cause: str) -> None:
    assert cause_of_board(board, hub) == cause


@given(st.text(max_size=2000))
def test_outside_text_is_one_line_that_steers_nothing(text: str) -> None:
    said = line(text)

    assert len(said) <= 500
    assert clean(said) == said
    assert "\n" not in said


def test_a_password_in_a_source_is_in_no_message() -> None:
    assert line("https://me:pa55word@git.lab/x: cannot be reached") == (
        "https://***@git.lab/x: cannot be reached"
    )


def test_many_news_are_counted() -> None:
    sections = [Section(NotificationKind.PROBLEM, f"p{n} failed", ("x",)) for n in range(30)]
    title, body = compose(sections, "quiet hours 22:00-07:00")

    assert title == "30 news: p0 failed; p1 failed; p2 failed; p3 failed; p4 failed"
    assert body.startswith("(held back: quiet hours 22:00-07:00)\np0 failed\n  x\n")
    assert body.endswith("10 more: espdeck notify list")


@given(st.text(alphabet="<>!@[]()`|channelevryo: http/&", max_size=200))
def test_no_mention_and_no_markup_is_left_for_a_chat(text: str) -> None:
    said = defuse(text)

    assert not any(each in said for each in ("<", ">", "](", "@e", "@h", "@c", "```"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.slack.com/services/T1/B2/secret", "https://hooks.slack.com/***"),
        ("mailtos://me:pw@smtp.lab/?to=x@y.z", "mailtos://smtp.lab/***"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5", "discord://***"),
        ("ntfy://my-secret-topic", "ntfy://***"),
        ("tgram://123456789:abcdefg/12315544/", "tgram://***"),
        ("json://[broken", "json://***"),
        ("slack:/T1JJ3T3L2/A1BRTD4JD/secret", "***"),
        ("hooks.slack.com/services/T1/B2/secret", "***"),
        ("secret", "***"),
    ],
)
def test_what_of_a_url_is_shown(url: str, shown: str) -> None:
    assert show_url(url) == shown


def test_parts_of_a_url_are_hidden_however_they_are_written() -> None:
    url = "json://ada%40lab:pa%2Fss@127.0.0.1:80/to-ken/x?key=va%20lue"
    text = "ada@lab pa/ss pa%2Fss to-ken va lue at 127.0.0.1"

    assert hide(text, url) == "*** *** *** *** *** at 127.0.0.1"
    assert hide("a ghp_123 b", "ghp_123") == "a *** b"
    assert hide("Unparseable ?s3cret=", "json://host/?S3cret") == "Unparseable ?***="


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("17", 17.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("999999", 3600.0),
        ("nan", None),
        ("inf", 3600.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_when_a_service_wants_to_be_asked_again(header: str, expected: float | None) -> None:
    assert seconds(header) == expected
