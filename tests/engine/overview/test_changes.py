"""Which records an event makes old."""

from __future__ import annotations

import pytest

from engine.enums import CheckStatus, ProjectStatus, RunStatus, StageStatus
from engine.events import (
    BoardTaken,
    CheckCompleted,
    Event,
    Log,
    NotificationsChanged,
    ProjectChanged,
    ProjectLooked,
    RunChanged,
    RunCompleted,
    RunProgress,
    Serial,
    StageChanged,
)
from engine.overview.changes import NO_CHANGES, Changes, changed_by

ID = "b6e1"


def stage(key: str, status: StageStatus) -> StageChanged:
    return StageChanged(
        run_id=1, stage=key, agent="TESTER", phase="test", attempt=1, status=status, summary=""
    )


def check(name: str, project_id: str = "") -> CheckCompleted:
    return CheckCompleted(
        result_id=1, check=name, project_id=project_id, project="", status=CheckStatus.ERROR,
        message="", duration=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "changes"),
    [
        (
            RunChanged(project_id=ID, status=RunStatus.RUNNING),
            Changes(ID, work=True, state=True),
        ),
        (
            RunChanged(project_id=ID, status=RunStatus.FAILED),
            Changes(ID, work=True, boards=True, state=True),
        ),
        (ProjectChanged(project_id=ID, project="", status=ProjectStatus.ACTIVE), Changes(ID)),
        (ProjectLooked(project_id=ID), Changes(ID)),
        (
            BoardTaken(board="desk", stage="test.board", attempt=1),
            Changes(work=True, boards=True, state=True),
        ),
        (stage("build", StageStatus.RUNNING), Changes(work=True)),
        (stage("build", StageStatus.SUCCESS), NO_CHANGES),
        (
            stage("test.board", StageStatus.SUCCESS),
            Changes(work=True, boards=True, state=True),
        ),
        (check("git_check", ID), Changes(ID, state=True)),
        (check("board_check"), Changes(boards=True, state=True)),
        (NotificationsChanged(unread=1), Changes(state=True)),
        (RunProgress(phase="build", percent=1.0, message=""), NO_CHANGES),
        # Its row has changed too, and says so (RunChanged).
        (
            RunCompleted(success=True, status=RunStatus.SUCCESS, duration=1.0, result=""),
            NO_CHANGES,
        ),
        (Log(stage="build", attempt=1, agent="BUILDER", first_line=0, text="x\n"), NO_CHANGES),
        (Serial(stage="build", attempt=1, agent="TESTER", first_line=0, text="x\n"), NO_CHANGES),
    ],
)
def test_what_an_event_makes_old(event: Event, changes: Changes) -> None:
    assert changed_by(event) == changes
    assert bool(changed_by(event)) == (changes != NO_CHANGES)
