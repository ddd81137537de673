"""Which round was the best, and from which the next one starts."""

from __future__ import annotations

from pathlib import Path

from engine.builds.agents.repair_history import Attempt, Standing, first_best, latest_best, outcome
from engine.builds.outputs import Repaired
from engine.enums import Severity, StageStatus
from engine.findings import Finding
from engine.runs.pipeline import StageResult


def attempt_of(number: int, standing: tuple[int, int, int], error: str, base: int = 1) -> Attempt:
    finding = Finding(Severity.ERROR, "compiler.error", error, "main.c", number)
    failed = StageResult(StageStatus.FAILED, error, (finding,))
    made = Repaired(base, False, "a model", "", "", Path("repair-1.md")) if number > 1 else None
    return Attempt(number, "", {"build": failed}, Standing(*standing), made, ())


def test_stages_decide_before_errors_and_errors_before_tests() -> None:
    first, far = attempt_of(1, (1, -1, 9), "a"), attempt_of(2, (2, -5, 0), "b")
    fewer = attempt_of(3, (2, -4, 0), "c")
    tested = attempt_of(4, (2, -4, 1), "d")

    for rounds in ([first], [first, far], [first, far, fewer], [first, far, fewer, tested]):
        assert latest_best(rounds) is first_best(rounds) is rounds[-1]


def test_what_is_worse_is_not_gone_on_from() -> None:
    rounds = [attempt_of(1, (1, -1, 0), "a"), attempt_of(2, (1, -2, 0), "b")]

    assert latest_best(rounds) is rounds[0]
    assert outcome(rounds, 2) == (
        "round 2 was worse than round 1: 1 stage passed, 2 errors, 0 checks met, "
        "not 1 stage passed, 1 error, 0 checks met"
    )


def test_as_far_but_failing_otherwise_is_gone_on_from_and_not_ended_with() -> None:
    rounds = [attempt_of(1, (1, -1, 0), "a"), attempt_of(2, (1, -1, 0), "b")]

    assert latest_best(rounds) is rounds[1]
    assert first_best(rounds) is rounds[0]
    assert outcome(rounds, 2).startswith("round 2 came as far as round 1")


def test_a_change_that_changes_no_failure_is_left_behind() -> None:
    rounds = [attempt_of(1, (1, -1, 0), "a"), attempt_of(2, (1, -1, 0), "a")]

    assert latest_best(rounds) is rounds[0]
