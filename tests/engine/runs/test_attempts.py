"""Which attempt each phase is walked in after retries, and what of a run is told."""

from __future__ import annotations

from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import RunStatus, Severity, StageStatus
from engine.runs.attempts import Retried, stages_from
from engine.runs.told_findings import count_findings, listed_findings, told_findings
from engine.store.attempts import counted_stages
from engine.store.tables import FindingRow, Retry, Run, StageRow

PHASES = FIRMWARE_PIPELINE.phases


def retry(from_attempt: int, phase: str, attempt: int) -> Retry:
    return Retry(
        run_id=1, from_attempt=from_attempt, phase=phase, attempt=attempt, status=RunStatus.FAILED
    )


def walk(*retries: Retry) -> list[int]:
    """The attempts of the phases of one walk."""
    retried = Retried(retries)
    attempt, walked = retried.first_attempt, []
    for phase in PHASES:
        attempt = retried.attempt_at(attempt, phase)
        walked.append(attempt)
    return walked


def stage(key: str, attempt: int, status: StageStatus = StageStatus.FAILED) -> StageRow:
    phase = FIRMWARE_PIPELINE.stage(key).phase
    return StageRow(run_id=1, key=key, agent="a", phase=phase, attempt=attempt, status=status)


def finding(
    stage: str, attempt: int, message: str, severity: Severity = Severity.ERROR
) -> FindingRow:
    return FindingRow(
        run_id=1, stage=stage, attempt=attempt, severity=severity, code="c", message=message
    )


def test_a_run_that_was_never_retried_is_walked_in_its_first_attempt() -> None:
    assert walk() == [1, 1, 1, 1, 1]


def test_retries_of_stages_begin_where_the_one_before_left_off() -> None:
    test, judge = retry(1, "test", 2), retry(2, "validation", 3)
    assert walk(test) == [1, 1, 2, 2, 2]
    assert walk(test, judge) == [1, 1, 2, 3, 3]
    assert walk(test, judge, retry(2, "test", 4)) == [1, 1, 4, 4, 4]
    assert walk(test, judge, retry(1, "build", 4)) == [1, 4, 4, 4, 4]


def test_a_retry_from_the_start_leaves_nothing_of_those_before() -> None:
    test, again = retry(1, "test", 2), retry(0, "", 3)
    assert walk(test, again) == [3, 3, 3, 3, 3]
    assert walk(test, again, retry(3, "test", 4)) == [3, 3, 4, 4, 4]
    assert walk(again, retry(0, "", 4)) == [4, 4, 4, 4, 4]


def test_a_retry_that_began_nothing_may_be_asked_for_again() -> None:
    assert walk(retry(1, "test", 2), retry(1, "test", 2)) == [1, 1, 2, 2, 2]


def test_what_a_retry_does_again_is_its_phase_and_all_after_it() -> None:
    rows = [stage("build", 1), stage("test.simulator", 1), stage("judge", 1), stage("build", 2)]
    again = stages_from(FIRMWARE_PIPELINE, rows, stage("test.board", 1))
    assert [(row.key, row.attempt) for row in again] == [
        ("test.simulator", 1),
        ("judge", 1),
        ("build", 2),
    ]


def test_the_result_is_about_the_last_attempt_of_each_stage_up_to_its_own() -> None:
    rows = [stage("plan", 1), stage("build", 1), stage("build", 2), stage("judge", 3)]
    rows[3].superseded = True

    def counted(result_attempt: int | None) -> list[tuple[str, int]]:
        return [(row.key, row.attempt) for row in counted_stages(rows, result_attempt)]

    assert counted(None) == [("plan", 1), ("build", 2)]
    assert counted(1) == [("plan", 1), ("build", 1)]


def test_what_board_and_simulator_found_alike_is_one_finding_with_two_places() -> None:
    run = Run(status=RunStatus.FAILED, result_attempt=1)
    stages = [stage("test.board", 1), stage("test.simulator", 1)]
    found = [
        finding("test.simulator", 1, "never printed: up"),
        finding("test.board", 1, "never printed: up"),
        finding("test.board", 1, "a note", Severity.INFO),
    ]

    told = told_findings(run, FIRMWARE_PIPELINE, stages, found)

    assert [each.stages for each in told] == [("test.board", "test.simulator"), ("test.board",)]
    assert count_findings(told) == "1 error"  # a note is none


def test_a_build_that_repairs_made_worse_is_told_as_its_commit_is() -> None:
    run = Run(status=RunStatus.FAILED, result_attempt=1)
    stages = [stage("build", 1), stage("repair", 1, StageStatus.SUCCESS), stage("build", 2)]
    found = [finding("build", 1, "mine"), finding("build", 2, "of the repair")]

    listed = listed_findings(run, FIRMWARE_PIPELINE, stages, found)

    assert [(each.row.message, each.counts) for each in listed] == [
        ("mine", True),
        ("of the repair", False),
    ]
    assert count_findings(listed) == "1 error"


def test_what_a_repair_mended_is_told_and_not_counted() -> None:
    run = Run(status=RunStatus.SUCCESS, result_attempt=2)
    stages = [
        stage("build", 1),
        stage("repair", 1, StageStatus.SUCCESS),
        stage("build", 2, StageStatus.SUCCESS),
    ]
    warning = finding("build", 1, "unused", Severity.WARNING)
    found = [finding("build", 1, "no semicolon"), warning]

    listed = listed_findings(run, FIRMWARE_PIPELINE, stages, found)

    assert [(each.row.message, each.is_repaired, each.counts) for each in listed] == [
        ("no semicolon", True, True),
        ("unused", False, False),
    ]
    assert count_findings(listed) == "1 repaired"


def test_findings_of_a_pass_before_a_retry_are_behind_those_of_the_newest() -> None:
    run = Run(status=RunStatus.FAILED, result_attempt=2)
    stages = [stage("build", 1), stage("build", 2)]
    stages[0].superseded = True
    found = [finding("build", 1, "first"), finding("build", 2, "second")]

    listed = listed_findings(run, FIRMWARE_PIPELINE, stages, found)

    assert [(each.row.message, each.counts) for each in listed] == [
        ("second", True),
        ("first", False),
    ]
