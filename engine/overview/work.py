"""What is at work: each run that is carried out or waits, how far it is, and for what it waits."""

from __future__ import annotations

import functools
import statistics
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.boards.board_info import BoardInfo
from engine.boards.service import Boards
from engine.enums import Priority, RunKind, RunStatus, StageStatus
from engine.errors import EspdeckError
from engine.overview import waits
from engine.overview.records import WorkItem
from engine.store import tasks as store_tasks
from engine.store.database import Store
from engine.store.tables import StageRow
from engine.store.work import UnfinishedRun, recent_durations
from engine.text import clean

EARLIER_RUNS = 9
"""Earlier runs whose median is what a run is expected to take, the newest."""

BOARD_STAGE = "test.board"
"""Key of the stage that needs a board."""

_URGENCY = list(Priority)


@dataclass(frozen=True, slots=True)
class Executing:
    """Who carries out runs.

    Args:
        here: whether this process does.
        is_ready: whether it has begun to.
        pid: the process that does; None for none.
    """

    here: bool
    is_ready: bool
    pid: int | None


@dataclass(frozen=True, slots=True)
class Queue:
    """The runs of one kind: who is carried out, and how many at once."""

    running: Sequence[int]
    limit: int


def work_items(
    store: Store,
    found: Sequence[UnfinishedRun],
    boards: Boards,
    *,
    executing: Executing,
    limits: Mapping[RunKind, int],
    clock: Callable[[datetime], str],
    now: datetime,
) -> Sequence[WorkItem]:
    """All that runs, by number, then all that waits, in the order of turns.

    Args:
        boards: of the lab.
        executing: who carries out runs.
        limits: how many of each kind run at once.
        clock: a time as people of the lab read it.
    """
    found = sorted(found, key=_turn)
    needs_boards = any(_board_stage(each) is not None for each in found)
    infos = {each.name: each for each in boards.list()} if needs_boards else {}
    expected = _expected_seconds(store, found)
    queues = {
        kind: Queue(
            [
                each.run.number
                for each in found
                if each.run.kind is kind and each.run.status is RunStatus.RUNNING
            ],
            limits[kind],
        )
        for kind in RunKind
    }

    @functools.cache
    def candidates(wanted: str, target: str) -> Sequence[BoardInfo]:
        """Boards that a run may use, the best first."""
        try:
            names = boards.choose(wanted, target)
        except EspdeckError:  # it is not plugged in: the stage says so by itself
            return ()
        return [infos[name] for name in names if name in infos]

    items, ahead = [], dict.fromkeys(RunKind, 0)
    for each in found:
        run = each.run
        wait = ""
        if executing.pid is None:
            wait = waits.NO_EXECUTOR
        elif run.status is RunStatus.RUNNING:
            if _board_stage(each) is not None and not board_of(each):
                wait = waits.wait_for_board(run, candidates(run.board, run.target), clock)
        elif executing.here and not executing.is_ready:
            wait = waits.STARTING
        else:
            queue = queues[run.kind]
            wait = waits.wait_for_turn(run.kind, queue.running, ahead[run.kind], queue.limit)
            ahead[run.kind] += 1
        items.append(_item(each, infos, expected(each), wait, now))
    return items


def _item(
    found: UnfinishedRun,
    boards: Mapping[str, BoardInfo],
    expected: float | None,
    wait: str,
    now: datetime,
) -> WorkItem:
    run, stage, board = found.run, _current_stage(found), board_of(found)
    is_running = run.status is RunStatus.RUNNING
    progress = (found.progress if is_running else None) or {}
    return WorkItem(
        run=run,
        project=found.project,
        title=clean(found.task.title) if found.task is not None else "",
        phase=stage.phase if stage is not None else str(progress.get("phase", "")),
        percent=float(progress.get("percent", 0.0)),
        message=clean(str(progress.get("message", ""))),
        elapsed=max(0.0, (now - found.since).total_seconds()),
        expected=expected,
        waits_for=wait,
        board=waits.name_of(boards[board]) if board in boards else clean(board),
    )


def _expected_seconds(
    store: Store, found: Sequence[UnfinishedRun]
) -> Callable[[UnfinishedRun], float | None]:
    """What says how many seconds a run takes, by earlier ones of its project, chip and so on.

    A chip or configuration that was never built takes as long as the others of its project.
    """
    builds = recent_durations(store, limit=EARLIER_RUNS) if found else {}
    of_projects: dict[uuid.UUID | None, list[float]] = {}
    for (project, _chip, _configuration), seconds in builds.items():
        of_projects.setdefault(project, []).extend(seconds)

    @functools.cache
    def of_tasks(title: str, model: str) -> Sequence[float]:
        return store_tasks.durations(store, title, model, EARLIER_RUNS)

    def expected(each: UnfinishedRun) -> float | None:
        run = each.run
        took = (
            of_tasks(each.task.title, each.task.model)
            if each.task is not None
            else builds.get((run.project_id, run.target, run.configuration))
            or of_projects.get(run.project_id, ())
        )
        return statistics.median(took) if took else None

    return expected


def boards_at_work(found: Sequence[UnfinishedRun]) -> Mapping[str, UnfinishedRun]:
    """The build that has each board which one has."""
    return {name: each for each in found if (name := board_of(each))}


def board_of(found: UnfinishedRun) -> str:
    """The board that a run has now; empty for none."""
    stage, taken = _board_stage(found), found.board
    if stage is None or taken is None or taken.get("attempt") != stage.attempt:
        return ""
    return str(taken.get("board", ""))


def _current_stage(found: UnfinishedRun) -> StageRow | None:
    """The stage that began last of those that run; None for none."""
    running = [row for row in found.stages if row.status is StageStatus.RUNNING]
    return running[-1] if running and found.run.status is RunStatus.RUNNING else None


def _board_stage(found: UnfinishedRun) -> StageRow | None:
    """The stage that needs a board, while it runs."""
    if found.run.status is not RunStatus.RUNNING:
        return None
    for row in found.stages:
        if row.key == BOARD_STAGE and row.status is StageStatus.RUNNING:
            return row
    return None


def _turn(found: UnfinishedRun) -> tuple[bool, int, int, int]:
    """Sorts work: what runs by its number, then what waits as it comes to its turn."""
    run = found.run
    if run.status is RunStatus.RUNNING:
        return False, 0, 0, run.number
    urgency = _URGENCY.index(found.task.priority) if found.task is not None else 0
    return True, -urgency, found.turn, run.number
