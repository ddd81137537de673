"""Progress of a task: from 0 to 100, never back, and 100 only when it has succeeded."""

from __future__ import annotations

from collections.abc import Iterator

from engine.enums import RunKind, RunStatus, StageStatus
from engine.store.tables import Run, StageRow
from engine.tasks.request import TaskRequest, plan_for, row_of
from engine.tasks.state import state_of

RUNNING, DONE, FAILED = StageStatus.RUNNING, StageStatus.SUCCESS, StageStatus.FAILED
REQUEST = TaskRequest(workflow="bug_fix", description="x", gate=True, max_iterations=2)


def walk() -> Iterator[tuple[str, int, StageStatus]]:
    """How the stages of a task go that the gate sends back twice."""
    keys = [stage.key for stage in plan_for(REQUEST).pipeline.stages]
    for key in keys[:-2]:
        yield from ((key, 1, status) for status in (RUNNING, DONE))
    for attempt in (1, 2):
        yield from (("gate", attempt, status) for status in (RUNNING, FAILED))
        yield from (("revise", attempt, status) for status in (RUNNING, DONE))
    yield from (("gate", 3, status) for status in (RUNNING, DONE))
    yield "revise", 3, StageStatus.SKIPPED


def progress(run: RunStatus, stages: dict[tuple[str, int], StageStatus]) -> float:
    task = row_of(REQUEST, plan_for(REQUEST), 2)
    rows = [
        StageRow(run_id=1, key=key, agent="", phase="", attempt=attempt, status=status)
        for (key, attempt), status in stages.items()
    ]
    return state_of(Run(id=1, kind=RunKind.TASK, status=run), task, "", rows).progress


def test_it_only_grows_and_ends_at_100() -> None:
    stages: dict[tuple[str, int], StageStatus] = {}
    seen = [progress(RunStatus.PENDING, stages)]
    for key, attempt, status in walk():
        stages[key, attempt] = status
        seen.append(progress(RunStatus.RUNNING, stages))
    end = progress(RunStatus.SUCCESS, stages)

    assert seen[0] == 0.0
    assert seen == sorted(seen)
    assert seen[-1] == 99.0
    assert end == 100.0


def test_what_is_skipped_behind_a_failure_was_not_done() -> None:
    first, *rest = [stage.key for stage in plan_for(REQUEST).pipeline.stages]
    stages = {(first, 1): FAILED} | {(key, 1): StageStatus.SKIPPED for key in rest}

    assert progress(RunStatus.FAILED, stages) == 0.0
