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

    for attempts in ([first], [first, far], [first, far, fewer], [first, far, fewer, tested]):
        assert latest_best(attempts) is first_best(attempts) is attempts[-1]


def test_what_is_worse_is_not_gone_on_from() -> None:
    attempts = [attempt_of(1, (1, -1, 0), "a"), attempt_of(2, (1, -2, 0), "b")]

    assert latest_best(attempts) is attempts[0]
    assert outcome(attempts, 2) == (
        "attempt 2 was worse than attempt 1: 1 stage passed, 2 errors, 0 checks met, "
        "not 1 stage passed, 1 error, 0 checks met"
    )


def test_as_far_but_failing_otherwise_is_gone_on_from_and_not_ended_with() -> None:
    attempts = [attempt_of(1, (1, -1, 0), "a"), attempt_of(2, (1, -1, 0), "b")]

    assert latest_best(attempts) is attempts[1]
    assert first_best(attempts) is attempts[0]
    assert outcome(attempts, 2).startswith("attempt 2 came as far as attempt 1")


def test_a_change_that_changes_no_failure_is_left_behind() -> None:
    attempts = [attempt_of(1, (1, -1, 0), "a"), attempt_of(2, (1, -1, 0), "a")]

    assert latest_best(attempts) is attempts[0]
