"""What results make of a subject."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.notify.subjects import Fact, State, Subject, fold

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def results(text: str, *, threshold: int = 1, topic: str = "builds") -> list[State]:
    """States after each of some results: ``x`` failed, ``.`` did not."""
    subject: Subject | None = None
    states = []
    for number, each in enumerate(text):
        fact = Fact(
            subject="s",
            result=str(number),
            topic=topic,  # type: ignore[arg-type]
            name="blink main",
            failed=each == "x",
            at=NOON + timedelta(minutes=number),
            threshold=threshold,
        )
        subject = fold(subject, fact, fact.at)
        states.append(subject.state)
    return states


def letters(states: list[State]) -> str:
    return "".join({"ok": ".", "failing": "x", "flapping": "~"}[each] for each in states)


@pytest.mark.parametrize(
    ("given", "threshold", "expected"),
    [
        ("..x x.".replace(" ", ""), 1, "..xx."),
        ("xx.", 3, "..."),
        ("xxx.", 3, "..x."),
        ("xx.xx.", 3, "......"[:4] + "~~"[:0] + ".."),  # three changes: it does not flap yet
        ("x.x.x", 1, "x.x.~"),  # the fourth change
        ("x.x.xxxxx", 1, "x.x.~~~~x"),  # five in a row end it
        ("x.x.x.....x", 1, "x.x.~~~~~.x"),
        ("x.x.x.x.x.", 3, "....~~~~~~"),  # a crash loop below the threshold is told, too
    ],
)
def test_states(given: str, threshold: int, expected: str) -> None:
    assert letters(results(given, threshold=threshold)) == expected


def test_a_result_that_is_told_twice_counts_once() -> None:
    fact = Fact(subject="s", result="1", topic="checks", name="n", failed=True, at=NOON)
    once = fold(None, fact, NOON)

    assert fold(once, fact, NOON) is once


def test_a_subject_comes_back_from_the_store_as_it_was() -> None:
    fact = Fact(subject="s", result="1", topic="builds", name="n", failed=True, at=NOON)
    subject = fold(None, fact, NOON)

    assert Subject.model_validate(subject.model_dump(mode="json")) == subject
