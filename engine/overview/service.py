"""The lab at a glance, as front ends read it: projects, work, boards."""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from engine.boards.service import Boards
from engine.checks.schedule import is_enabled
from engine.enums import RunKind, RunStatus
from engine.events import Bus, ProjectLooked
from engine.overview.boards import NOT_LOOKED_AT, BoardLook, board_overview
from engine.overview.git_looks import GitLooks, Glance
from engine.overview.projects import ProjectState, glance_of, is_old, project_overview
from engine.overview.records import BoardOverview, ProjectOverview, WorkItem
from engine.overview.work import BOARD_STAGE, Executing, boards_at_work, work_items
from engine.settings import SettingsSource
from engine.store import checks as store_checks
from engine.store import logs
from engine.store import projects as store_projects
from engine.store.checks import NewestResult
from engine.store.database import Store
from engine.store.project_builds import project_builds
from engine.store.tables import Project
from engine.store.watch import failing_watches
from engine.store.work import unfinished
from engine.text import clean

_BOARD_CHECK, _REMOTE_CHECK = "board_check", "remote_check"


class Overview:
    """The lab at a glance. All calls may block: keep them off an event loop."""

    def __init__(
        self,
        store: Store,
        boards: Boards,
        settings: SettingsSource,
        *,
        executing: Callable[[], Executing],
        bus: Bus,
        now: Callable[[], datetime],
    ) -> None:
        """Know what is looked at.

        Args:
            bus: told what looks at folders find.
            executing: says who carries out runs.
            now: the clock.
        """
        self._store = store
        self._boards = boards
        self._settings = settings
        self._executing = executing
        self._now = now
        self._glances: dict[uuid.UUID, Glance] = {}
        self._glances_lock = threading.Lock()  # front ends read projects in several threads
        self._looks = GitLooks(
            lambda project_id: bus.publish(ProjectLooked(project_id=str(project_id)))
        )

    def close(self) -> None:
        """End the looks at folders."""
        self._looks.close()

    def projects(self) -> Sequence[ProjectOverview]:
        """Every project, by name."""
        with self._glances_lock:
            before = set(self._glances)
        found = self._projects(store_projects.all_projects(self._store), None)
        with self._glances_lock:
            for gone in before.difference(each.project.id for each in found):
                self._glances.pop(gone, None)
        return found

    def project(self, project_id: uuid.UUID) -> ProjectOverview | None:
        """One project; None where it is gone."""
        project = store_projects.find_project(self._store, str(project_id))
        return self._projects([project], project_id)[0] if project is not None else None

    def look(self, project_ids: Iterable[uuid.UUID] | None = None) -> None:
        """Look whether folders of projects have changes, and how far tips are ahead; returns soon.

        Git is asked in the background, each project as seldom as it takes long; then
        :class:`~engine.events.ProjectLooked` says which records have changed. Cheap enough to be
        called every few seconds with the projects that are on screen.

        Args:
            project_ids: of projects that were read before; None for all of those.
        """
        with self._glances_lock:
            glances = dict(self._glances)
        wanted = list(glances) if project_ids is None else project_ids
        self._looks.look([glances[each] for each in wanted if each in glances])

    def wait_for_looks(self, timeout: float) -> bool:
        """Wait until all that :meth:`look` was asked for is done; False when it takes longer."""
        return self._looks.wait(timeout)

    def work(self) -> Sequence[WorkItem]:
        """All that runs, by number, then all that waits, in the order of turns."""
        settings = self._settings()
        return work_items(
            self._store,
            unfinished(self._store),
            self._boards,
            executing=self._executing(),
            limits={
                RunKind.FIRMWARE: settings.max_concurrent_builds,
                RunKind.TASK: settings.max_concurrent_tasks,
            },
            clock=functools.partial(_clock, zone=UTC if settings.utc else None),
            now=self._now(),
        )

    def boards(self, *, every_port: bool = False) -> Sequence[BoardOverview]:
        """Every board of the lab, in the order of :meth:`engine.boards.service.Boards.list`.

        Args:
            every_port: then USB ports that may have another one, too.
        """
        testing = boards_at_work(unfinished(self._store, [RunStatus.RUNNING]))
        looks, now = self._board_looks(), self._now()
        boards = self._boards.list_all() if every_port else self._boards.list()
        found = [
            board_overview(each, looks.get(each.name, NOT_LOOKED_AT), testing.get(each.name), now)
            for each in boards
        ]
        return self._with_last_lines(found)

    def _with_last_lines(self, boards: Sequence[BoardOverview]) -> Sequence[BoardOverview]:
        """Boards with what they said last, where another process heard it in a build."""
        builds = {each.build for each in boards if not each.info.last_line}
        lines = logs.last_serial_lines(
            self._store, [number for number in builds if number is not None], BOARD_STAGE
        )
        found = []
        for each in boards:
            line = "" if each.info.last_line else clean(lines.get(each.build or 0, "")).strip()
            found.append(replace(each, info=replace(each.info, last_line=line)) if line else each)
        return found

    def failing_lab_checks(self) -> Sequence[NewestResult]:
        """Newest results of checks of the lab as a whole that are no success.

        Those of projects stand in their records.
        """
        settings = self._settings().checks
        found = store_checks.failing_lab_results(self._store)
        return [each for each in found if is_enabled(settings, each.check, "")]

    def _projects(
        self, projects: Sequence[Project], project_id: uuid.UUID | None
    ) -> list[ProjectOverview]:
        tips = {each.id: each.tip for each in projects}
        builds = project_builds(self._store, tips, project_id)
        watches = failing_watches(self._store)
        checks = self._failing_checks(project_id)
        on_boards = self._boards_of_projects()
        now = self._now()
        looked = (
            store_checks.last_confirmed(self._store, _REMOTE_CHECK, project_id)
            if any(is_old(each, now) for each in projects)
            else {}
        )
        glances = {each.id: glance_of(each, builds.get(each.id)) for each in projects}
        with self._glances_lock:
            self._glances.update(glances)
        return [
            project_overview(
                ProjectState(
                    project=each,
                    builds=builds.get(each.id),
                    watch=watches.get(each.id),
                    looked_at=looked.get(each.id),
                    checks=checks.get(each.id, ()),
                    board=on_boards.get(each.name, ""),
                    seen=self._looks.seen(glances[each.id]),
                ),
                now,
            )
            for each in projects
        ]

    def _failing_checks(
        self, project_id: uuid.UUID | None = None
    ) -> Mapping[uuid.UUID | None, Sequence[NewestResult]]:
        """The newest results that are no success, by project.

        Checks that are switched off do not count.
        """
        settings = self._settings().checks
        found: dict[uuid.UUID | None, list[NewestResult]] = {}
        for each in store_checks.failing_results(self._store, project_id):
            if is_enabled(settings, each.check, each.project):
                found.setdefault(each.project_id, []).append(each)
        return found

    def _boards_of_projects(self) -> Mapping[str, str]:
        """The board that has the newest build of each project, as people call it."""
        newest: dict[str, tuple[int, str]] = {}
        for name, (label, flashed) in self._boards.flashed().items():
            build, _board = newest.get(flashed.project, (0, ""))
            if flashed.project and flashed.build > build:
                newest[flashed.project] = flashed.build, label or name
        return {project: board for project, (_build, board) in newest.items()}

    def _board_looks(self) -> Mapping[str, BoardLook]:
        """What ``board_check`` found of each board last."""
        newest = store_checks.newest_result(self._store, _BOARD_CHECK, None)
        if newest is None:
            return {}
        details = newest.details.get("boards", ())
        return {
            str(each.get("board", "")): BoardLook(newest.timestamp, each)
            for each in details
            if isinstance(each, dict)
        }


def _clock(at: datetime, zone: tzinfo | None) -> str:
    """A time as people of the lab read it, with its day where that is another than today.

    Args:
        zone: None for the machine's.
    """
    local, today = at.astimezone(zone), datetime.now(UTC).astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
