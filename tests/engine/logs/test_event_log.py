"""Events in the log: what is logged, how it reads, and what is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from engine.enums import (
    CheckStatus,
    ProjectStatus,
    RunKind,
    RunStatus,
    StageStatus,
)
from engine.events import (
    Bus,
    CheckCompleted,
    Event,
    Log,
    Partial,
    Problem,
    ProjectChanged,
    RunChanged,
    RunCompleted,
    RunProgress,
    RunStarted,
    Serial,
    StageChanged,
)
from engine.logs.event_log import LogEvents


@pytest.fixture
def bus(caplog: pytest.LogCaptureFixture) -> Iterator[Bus]:
    bus = Bus()
    bus.subscribe(LogEvents(lambda run_id: {12: "ada"}.get(run_id, "")))
    with caplog.at_level(logging.INFO, "espdeck"):
        yield bus


def stage(status: StageStatus) -> StageChanged:
    return StageChanged(
        run_id=12,
        stage="test",
        agent="TESTER",
        phase="test",
        attempt=2,
        status=status,
        summary="panic",
    )


def check(status: CheckStatus, project: str = "blink") -> CheckCompleted:
    return CheckCompleted(
        result_id=1,
        check="git_check",
        project_id="1" if project else "",
        project=project,
        status=status,
        message="2 files",
        duration=1.5,
    )


def project(status: ProjectStatus, detail: str = "", *, removed: bool = False) -> ProjectChanged:
    return ProjectChanged(
        project_id="1", project="blink", status=status, detail=detail, removed=removed
    )


STARTED = RunStarted(run_id=12, project="blink", commit="0123456789abcdef", target="esp32c3")
ENDED = RunCompleted(
    run_id=12, success=False, status=RunStatus.FAILED, duration=2.5, result="does not compile"
)


@pytest.mark.parametrize(
    ("event", "level", "message"),
    [
        (
            RunChanged(run_id=12, project_id="1", status=RunStatus.PENDING),
            "INFO",
            "build #12 asked for by ada",
        ),
        (
            RunChanged(run_id=13, project_id="", status=RunStatus.PENDING, run=RunKind.TASK),
            "INFO",
            "task #13 asked for",
        ),
        (STARTED, "INFO", "build #12 started of blink 0123456789ab esp32c3, asked for by ada"),
        (
            RunStarted(run_id=13, project="", commit="", target="", resumed=True, run=RunKind.TASK),
            "INFO",
            "task #13 goes on",
        ),
        (ENDED, "WARNING", "build #12 ended: failed: does not compile"),
        (
            RunCompleted(
                run_id=12, success=True, status=RunStatus.SUCCESS, duration=2.5, result="ran"
            ),
            "INFO",
            "build #12 ended: success: ran",
        ),
        (stage(StageStatus.FAILED), "INFO", "stage test failed: panic"),
        (check(CheckStatus.SUCCESS), "INFO", "git_check of blink ended: success: 2 files"),
        (check(CheckStatus.ERROR, ""), "WARNING", "git_check ended: error: 2 files"),
        (Problem(message="a disk is full"), "WARNING", "a disk is full"),
        (
            project(ProjectStatus.ERROR, "no such remote"),
            "WARNING",
            "project blink: error: no such remote",
        ),
        (project(ProjectStatus.ACTIVE, removed=True), "INFO", "project blink removed"),
    ],
)
def test_what_happened_is_logged(
    event: Event, level: str, message: str, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    bus.publish(event)

    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == (level, message)


def test_the_log_can_be_searched_by_run_project_and_check(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    for event in (STARTED, ENDED, check(CheckStatus.WARNING)):
        bus.publish(event)

    started, ended, checked = (vars(record) for record in caplog.records)
    assert (started["run"], started["project"], started["asked_by"]) == (12, "blink", "ada")
    assert (ended["run"], ended["status"], ended["seconds"]) == (12, "failed", 2.5)
    assert (checked["check"], checked["project"]) == ("git_check", "blink")


def test_lines_progress_and_what_goes_well_are_not_logged(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    of_stage = {"run_id": 1, "stage": "build", "attempt": 1, "agent": "BUILDER"}
    for event in (
        Log(**of_stage, first_line=0, text="a\n"),  # type: ignore[arg-type]
        Serial(**of_stage, first_line=0, text="a\n"),  # type: ignore[arg-type]
        Partial(**of_stage, line=0, text="a"),  # type: ignore[arg-type]
        RunProgress(run_id=1, phase="build", percent=10, message="compiles"),
        RunChanged(run_id=1, project_id="1", status=RunStatus.RUNNING),
        *(stage(status) for status in StageStatus if status is not StageStatus.FAILED),
    ):
        bus.publish(event)

    assert caplog.records == []


def test_a_project_is_logged_when_it_changes_only(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    for percent in range(5):
        bus.publish(project(ProjectStatus.PENDING, f"{percent} %"))
    for _ in range(3):
        bus.publish(project(ProjectStatus.ACTIVE))
    for _ in range(3):
        bus.publish(project(ProjectStatus.ERROR, "gone"))
    bus.publish(project(ProjectStatus.ACTIVE))

    assert [record.getMessage() for record in caplog.records] == [
        "project blink: active",
        "project blink: error: gone",
        "project blink: active",
    ]
