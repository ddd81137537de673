"""The lab at a glance, as front ends read it: projects, work, boards, and their sums."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.boards.board_info import BoardInfo
from engine.boards.service import Boards
from engine.enums import CheckStatus, Priority, ProjectStatus, RunKind, RunStatus, StageStatus
from engine.errors import EspdeckError
from engine.overview import waits
from engine.overview.boards import board_overview
from engine.overview.records import BoardOverview, LabTotals, ProjectOverview, WorkItem
from engine.projects.working_tree import is_working_tree
from engine.settings import SettingsSource
from engine.store import checks as store_checks
from engine.store import overview as store_overview
from engine.store import projects as store_projects
from engine.store import tasks as store_tasks
from engine.store.database import Store
from engine.store.overview import ProjectBuilds, UnfinishedRun
from engine.store.projects import ProjectStats
from engine.store.tables import Project, Run, StageRow, WatchRow
from engine.text import clean

STALE_AFTER = timedelta(days=7)
"""Time without a look at a source after which a project is told to be old."""

EARLIER_RUNS = 9
"""Earlier runs whose median is what a run is expected to take, the newest."""

_BOARD_CHECK = "board_check"
_BOARD_STAGE = "test.board"
_NOT_SYNCED = "not synced: "
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


class Overview:
    """The lab at a glance. All calls may block: keep them off an event loop."""

    def __init__(
        self,
        store: Store,
        boards: Boards,
        settings: SettingsSource,
        *,
        executing: Callable[[], Executing],
        unread: Callable[[], int],
        now: Callable[[], datetime],
    ) -> None:
        """Know what is looked at.

        Args:
            executing: says who carries out runs.
            unread: how many notifications nobody read.
            now: the clock.
        """
        self._store = store
        self._boards = boards
        self._settings = settings
        self._executing = executing
        self._unread = unread
        self._now = now

    def projects(self) -> Sequence[ProjectOverview]:
        """Every project, by name."""
        return self._projects(store_projects.all_projects(self._store), None)

    def project(self, project_id: uuid.UUID) -> ProjectOverview | None:
        """One project; None where it is gone."""
        project = store_projects.find_project(self._store, str(project_id))
        return self._projects([project], project_id)[0] if project is not None else None

    def work(self) -> Sequence[WorkItem]:
        """All that runs, by number, then all that waits, in the order of turns."""
        found = store_overview.unfinished(self._store)
        boards = self._boards.list() if any(map(_is_at_board, found)) else ()
        expected = self._expected(found)
        executing = self._executing()
        items = [
            self._work_item(each, found, boards, expected.get(each.run.number), executing)
            for each in found
        ]
        turns = {each.run.number: _turn(each) for each in found}
        return sorted(items, key=lambda item: turns[item.run.number])

    def boards(self) -> Sequence[BoardOverview]:
        """Every board of the lab, in the order of :meth:`engine.boards.service.Boards.list`."""
        testing = _boards_at_work(store_overview.unfinished(self._store))
        looks = self._board_looks()
        now = self._now()
        return [
            board_overview(each, looks.get(each.name, {}), testing.get(each.name), now)
            for each in self._boards.list()
        ]

    def totals(self) -> LabTotals:
        """The lab in numbers."""
        executing = self._executing()
        statuses = [each.run.status for each in store_overview.unfinished(self._store)]
        running = statuses.count(RunStatus.RUNNING)
        boards = self._boards.list()
        results = [row.status for row in store_checks.newest_results(self._store, details=False)]
        return LabTotals(
            running=running,
            waiting=len(statuses) - running,
            boards=len(boards),
            boards_free=sum(each.state == "free" for each in boards),
            errors=results.count(CheckStatus.ERROR),
            warnings=results.count(CheckStatus.WARNING),
            unread=self._unread(),
            executes_here=executing.here,
            executor_pid=executing.pid,
        )

    def _projects(
        self, projects: Sequence[Project], project_id: uuid.UUID | None
    ) -> list[ProjectOverview]:
        builds = store_overview.project_builds(self._store, project_id)
        stats = store_projects.every_project_stats(self._store, project_id)
        watches = store_overview.failing_watches(self._store)
        on_boards = self._boards_of_projects()
        now = self._now()
        return [
            _project_overview(
                each,
                builds.get(each.id),
                stats.get(each.id),
                _sync_problem(each, watches.get(each.id), now),
                on_boards.get(each.name, ""),
            )
            for each in projects
        ]

    def _boards_of_projects(self) -> Mapping[str, str]:
        """The board that has the newest build of each project, as people call it."""
        newest: dict[str, tuple[int, str]] = {}
        for name, (label, flashed) in self._boards.flashed().items():
            build, _board = newest.get(flashed.project, (0, ""))
            if flashed.project and flashed.build > build:
                newest[flashed.project] = flashed.build, label or name
        return {project: board for project, (_build, board) in newest.items()}

    def _board_looks(self) -> Mapping[str, Mapping[str, object]]:
        """What ``board_check`` keeps of each board."""
        newest = store_checks.newest_result(self._store, _BOARD_CHECK, None)
        details = newest.details.get("boards", ()) if newest is not None else ()
        return {str(each.get("board", "")): each for each in details if isinstance(each, dict)}

    def _expected(self, found: Sequence[UnfinishedRun]) -> Mapping[int, float]:
        """Seconds that each run is likely to take, from earlier ones."""
        projects = {each.run.project_id for each in found if each.task is None}
        took = store_overview.recent_durations(
            self._store, [each for each in projects if each is not None], limit=EARLIER_RUNS
        )
        expected: dict[int, float] = {}
        for each in found:
            run = each.run
            if each.task is not None:
                earlier = store_tasks.durations(
                    self._store, each.task.title, each.task.model, EARLIER_RUNS
                )
            else:
                assert run.project_id is not None
                earlier = took.get((run.project_id, run.target, run.configuration), ())
            if earlier:
                expected[run.number] = statistics.median(earlier)
        return expected

    def _work_item(
        self,
        found: UnfinishedRun,
        others: Sequence[UnfinishedRun],
        boards: Sequence[BoardInfo],
        expected: float | None,
        executing: Executing,
    ) -> WorkItem:
        run, stage = found.run, _current_stage(found)
        progress = found.progress if run.status is RunStatus.RUNNING else None
        began = run.started_at if run.status is RunStatus.RUNNING else run.created_at
        holds = _board_of(found)
        return WorkItem(
            run=run,
            project=found.project,
            title=found.task.title if found.task is not None else "",
            phase=stage.phase if stage is not None else str((progress or {}).get("phase", "")),
            percent=float((progress or {}).get("percent", 0.0)),
            message=clean(str((progress or {}).get("message", ""))),
            elapsed=max(0.0, (self._now() - began).total_seconds()) if began else 0.0,
            expected=expected,
            waits_for=self._waits_for(found, others, boards, executing),
            board=self._called(holds, boards) if holds else "",
        )

    def _waits_for(
        self,
        found: UnfinishedRun,
        others: Sequence[UnfinishedRun],
        boards: Sequence[BoardInfo],
        executing: Executing,
    ) -> str:
        run = found.run
        if executing.pid is None:
            return waits.NO_EXECUTOR
        if run.status is RunStatus.RUNNING:
            if not _is_at_board(found):
                return ""
            return waits.wait_for_board(run, self._candidates(run, boards), _clock)
        if executing.here and not executing.is_ready:
            return waits.STARTING
        same = [each for each in others if each.run.kind is run.kind]
        running = [each.run for each in same if each.run.status is RunStatus.RUNNING]
        ahead = [
            each.run
            for each in same
            if each.run.status is RunStatus.PENDING and _turn(each) < _turn(found)
        ]
        settings = self._settings()
        is_build = run.kind is RunKind.FIRMWARE
        limit = settings.max_concurrent_builds if is_build else settings.max_concurrent_tasks
        return waits.wait_for_turn(run, running, ahead, limit)

    def _candidates(self, run: Run, boards: Sequence[BoardInfo]) -> Sequence[BoardInfo]:
        """Boards that a run may use, the best first."""
        try:
            names = self._boards.choose(run.board, run.target)
        except EspdeckError:  # it is not plugged in: the stage says so by itself
            return ()
        by_name = {each.name: each for each in boards}
        return [by_name[name] for name in names if name in by_name]

    def _called(self, name: str, boards: Sequence[BoardInfo]) -> str:
        """A board as people call it."""
        return next((waits.name_of(each) for each in boards if each.name == name), clean(name))


def _project_overview(
    project: Project,
    builds: ProjectBuilds | None,
    stats: ProjectStats | None,
    sync_problem: str,
    board: str,
) -> ProjectOverview:
    broken = builds.broken if builds is not None else None
    reason = first_line(broken.error) if broken is not None else ""
    if project.status is ProjectStatus.ERROR:
        reason = first_line(project.status_detail)
    return ProjectOverview(
        project=project,
        build=builds.build if builds is not None else None,
        reason=reason,
        broken=broken.number if broken is not None else None,
        broken_since=builds.broken_since if builds is not None else None,
        last=builds.last[::-1] if builds is not None else (),
        success_rate=stats.success_rate if stats is not None else None,
        board=board,
        ahead=_ahead(project, builds),
        sync_problem=sync_problem,
    )


def _ahead(project: Project, builds: ProjectBuilds | None) -> int | None:
    if builds is None or not project.tip or project.tip in builds.commits:
        return 0
    return None


def _sync_problem(project: Project, watch: WatchRow | None, now: datetime) -> str:
    """Why what is known of a source is old, in a line; empty where it is not."""
    if project.status is not ProjectStatus.ACTIVE:
        return ""
    if watch is not None:
        return first_line(watch.failure)
    if project.status_detail.startswith(_NOT_SYNCED):
        return first_line(project.status_detail.removeprefix(_NOT_SYNCED))
    if project.synced_at is None or is_working_tree(project.source):
        return ""  # a folder of this machine is looked at before each build
    days = (now - project.synced_at).days
    return f"not synced for {days} d" if now - project.synced_at > STALE_AFTER else ""


def first_line(text: str) -> str:
    """The first line of an untrusted text that has something in it, cleaned."""
    return next((line for each in text.splitlines() if (line := clean(each).strip())), "")


def _current_stage(found: UnfinishedRun) -> StageRow | None:
    """The stage that began last of those that run; None for none."""
    running = [row for row in found.stages if row.status is StageStatus.RUNNING]
    return running[-1] if running and found.run.status is RunStatus.RUNNING else None


def _board_stage(found: UnfinishedRun) -> StageRow | None:
    """The stage that needs a board, while it runs."""
    return next(
        (
            row
            for row in found.stages
            if row.key == _BOARD_STAGE and row.status is StageStatus.RUNNING
        ),
        None,
    )


def _board_of(found: UnfinishedRun) -> str:
    """The board that a run has now; empty for none."""
    stage, taken = _board_stage(found), found.board
    if stage is None or taken is None or taken.get("attempt") != stage.attempt:
        return ""
    return str(taken.get("board", ""))


def _is_at_board(found: UnfinishedRun) -> bool:
    """Whether a run is at its board's test and has no board yet."""
    return _board_stage(found) is not None and not _board_of(found)


def _boards_at_work(found: Sequence[UnfinishedRun]) -> Mapping[str, UnfinishedRun]:
    """The build that has each board which one has."""
    return {name: each for each in found if (name := _board_of(each))}


def _turn(found: UnfinishedRun) -> tuple[bool, int, int, int]:
    """Sorts work: what runs by its number, then what waits as it comes to its turn."""
    run, waits_ = found.run, found.run.status is RunStatus.PENDING
    if not waits_:
        return False, 0, 0, run.number
    urgency = -_URGENCY.index(found.task.priority) if found.task is not None else 0
    return True, urgency, found.asked_at, run.number


def _clock(at: datetime) -> str:
    """A time as people of the lab read it, with its day where that is another than today."""
    local, today = at.astimezone(), datetime.now(at.tzinfo).astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
