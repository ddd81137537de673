"""Checks as a front end sees them, and as the clock runs them.

The process that executes runs is told by the durable engine once a minute what is due and runs it;
a person runs one at any time, in the person's own process. Either way the check itself has a
process of its own (:mod:`engine.checks.isolated`), and its result is kept with history.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken, cancel_after
from engine.checks.base import CheckContext, CheckResult
from engine.checks.isolated import Ended, run_isolated
from engine.checks.lab import LabCheck, LabServices
from engine.checks.lab_checks import LAB_CHECKS, describe_lab_check
from engine.checks.options import OF_DOC_INDEX
from engine.checks.registry import FoundCheck, add_check, find_checks, load_own
from engine.checks.schedule import CheckPlan, plan_of
from engine.enums import CheckStatus, ProjectStatus, Trigger
from engine.errors import (
    CancelledError,
    ConflictError,
    EspdeckError,
    Interrupted,
    NotFoundError,
    UsageError,
)
from engine.events import Bus, CheckCompleted
from engine.file_lock import FileLock
from engine.files import explain
from engine.projects.slots import Slots
from engine.projects.sources import SourceKind, check_source
from engine.settings import Settings, SettingsSource, config_file
from engine.settings.file_editor import set_settings
from engine.settings.keys import KeyPath
from engine.source import tree
from engine.store import checks as store_checks
from engine.store import projects as store_projects
from engine.store import runs as store_runs
from engine.store.database import Store
from engine.store.tables import CheckResultRow, Project
from engine.text import near

STANDS_FOR = timedelta(days=1)
"""How long a result stands though nothing changed: some depend on the day."""

QUICK_SECONDS = 0.5
"""A check that works with the engine and took no longer is done when it is seen to be due."""

_LAB = "lab"  # folder of a check of no project

_LOG = logging.getLogger("espdeck.checks")


@dataclass(frozen=True, slots=True)
class CheckDeps:
    """What checks are run with; one for each engine."""

    store: Store
    bus: Bus
    slots: Slots
    lab: LabServices
    folder: Path
    settings: SettingsSource
    reload: Callable[[], None]


@dataclass(frozen=True, slots=True)
class CheckCell:
    """One check of one project.

    Args:
        check: which.
        project: None for the lab as a whole.
        plan: when it runs by itself.
        result: the newest, None for none yet.
        next_at: when it runs next, None for never.
    """

    check: FoundCheck
    project: Project | None
    plan: CheckPlan
    result: CheckResultRow | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True, order=True)
class ComingCheck:
    """When a check runs next by itself.

    Args:
        at: when; the present for as soon as may be.
        check: its name.
        project: name of its project, empty for the lab as a whole.
    """

    at: datetime
    check: str
    project: str


class Checks:
    """Every check of a workspace. All calls may block: keep them off an event loop."""

    def __init__(
        self,
        deps: CheckDeps,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        isolate: Callable[..., Ended] = run_isolated,
        lab_checks: Sequence[LabCheck] = LAB_CHECKS,
    ) -> None:
        """Know the checks; they are looked for when they are first asked for.

        Args:
            now: the clock.
            isolate: runs one check; as :func:`engine.checks.isolated.run_isolated`.
            lab_checks: those that work with the engine.
        """
        self._deps = deps
        self._now = now
        self._isolate = isolate
        self._lab_checks = {check.name: check for check in lab_checks}
        self._found: tuple[FoundCheck, ...] | None = None
        self._finding = threading.Lock()
        self._stop = CancelToken()

    def list(self) -> tuple[FoundCheck, ...]:
        """Every check, by name; those that cannot be used say why."""
        with self._finding:
            if self._found is None:
                found = {
                    name: describe_lab_check(check) for name, check in self._lab_checks.items()
                }
                for check in find_checks(cancel=self._stop):
                    add_check(found, check)
                self._found = tuple(sorted(found.values(), key=lambda check: check.name))
            return self._found

    @property
    def are_found(self) -> bool:
        """Whether :meth:`list` answers at once: those of others cost processes."""
        return self._found is not None

    def reload(self) -> None:
        """Look for checks again when they are asked for next."""
        with self._finding:
            self._found = None

    def get(self, name: str) -> FoundCheck:
        """A check by its name.

        Raises:
            UsageError: there is none.
        """
        for check in self.list():
            if check.name == name:
                return check
        names = [check.name for check in self.list()]
        raise NotFoundError(f"no check {name!r}{near(name, names)}")

    def matrix(self, *, details: bool = True) -> Sequence[CheckCell]:
        """Every check of every project, by project and name.

        Args:
            details: whether results have their details; without them it takes some 10 ms.
        """
        now = self._now()
        newest = {
            (row.check_name, row.project_id): row
            for row in store_checks.newest_results(self._deps.store, details=details)
        }
        settings = self._deps.settings().checks
        cells = []
        for check, project in self._pairs():
            plan = plan_of(check, settings, project.name if project else "")
            result = newest.get((check.name, project.id if project else None))
            last = result.confirmed_at if result else None
            cells.append(CheckCell(check, project, plan, result, plan.next_at(last, now)))
        return cells

    def coming(self, most: int) -> Sequence[ComingCheck]:
        """The checks that run next, soonest first; much quicker than :meth:`matrix`.

        Args:
            most: how many.
        """
        now = self._now()
        found = (
            ComingCheck(at, check.name, project.name if project else "")
            for check, project, plan, last in self._planned()
            if (at := plan.next_at(last, now)) is not None
        )
        return heapq.nsmallest(most, found)

    def _planned(
        self,
    ) -> Iterator[tuple[FoundCheck, Project | None, CheckPlan, datetime | None]]:
        """Every check of every project, its plan and when it ended last."""
        last = store_checks.confirmed_at(self._deps.store)
        settings = self._deps.settings().checks
        for check, project in self._pairs():
            plan = plan_of(check, settings, project.name if project else "")
            yield check, project, plan, last.get((check.name, project.id if project else None))

    def history(
        self,
        name: str,
        project_id: uuid.UUID | None = None,
        *,
        limit: int = 50,
        details: bool = True,
    ) -> Sequence[CheckResultRow]:
        """Results of a check of a project, the newest first.

        Args:
            details: whether they have their details; :meth:`result` gives those of one.
        """
        return store_checks.results_of(
            self._deps.store, name, project_id, limit=limit, details=details
        )

    def results(
        self,
        name: str = "",
        project_id: uuid.UUID | None = None,
        *,
        status: CheckStatus | None = None,
        before: int | None = None,
        limit: int = 50,
        details: bool = False,
    ) -> Sequence[CheckResultRow]:
        """Results of all checks, the newest first, a page at a time.

        Args:
            name: only of this check; empty for all.
            project_id: only of this project; None for all, and the lab.
            status: only those.
            before: only those with a smaller id.
            details: whether they have their details; :meth:`result` gives those of one.
        """
        return store_checks.list_results(
            self._deps.store,
            check=name,
            project_id=project_id,
            status=status,
            before=before,
            limit=limit,
            details=details,
        )

    def result(self, result_id: int) -> CheckResultRow:
        """A result with its details.

        Raises:
            NotFoundError: it is kept no more.
        """
        result = store_checks.get_result(self._deps.store, result_id)
        if result is None:
            raise NotFoundError(f"result {result_id} is no longer kept")
        return result

    def run(
        self, name: str, project_id: uuid.UUID | None = None, *, cancel: CancelToken | None = None
    ) -> CheckResultRow:
        """Run a check now, whatever its schedule says, and keep its result.

        Raises:
            NotFoundError: there is no such check or project.
            ConflictError: it runs already, or cannot be used.
            UsageError: it looks at a project, and none is given.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        check = self.get(name)
        if check.problem:
            raise ConflictError(f"{name}: {check.problem}")
        if project_id is None and self._is_per_project(check):
            raise UsageError(f"{name} checks one project: name it")
        project = store_projects.get_project(self._deps.store, project_id) if project_id else None
        with self._held(check, project) as held:
            if not held:
                of = f" of {project.name}" if project else ""
                raise ConflictError(f"{name}{of} is already running: wait for it")
            return self._run(check, project, Trigger.MANUAL, cancel or CancelToken())

    def configure(
        self,
        name: str,
        project: str = "",
        *,
        enabled: bool | None = None,
        interval: float | None = None,
    ) -> None:
        """Write into the settings file when a check runs; that is in force at once.

        Args:
            project: name of the project for which alone it is so; empty for all.
            enabled: whether it runs by itself; None leaves it as it is.
            interval: minutes between two runs; None leaves it as it is.

        Raises:
            UsageError: there is no such check, it looks at no project by itself, or the file cannot
                be written or makes no sense.
        """
        lab_check = self._lab_checks.get(self.get(name).name)
        if project and lab_check is not None and not lab_check.per_project:
            raise UsageError(f"{name} looks at the lab as a whole, not at {project}")
        table = ("checks", name, *(("projects", project) if project else ()))
        values = {"enabled": enabled, "interval": interval}
        given: dict[KeyPath | str, object] = {
            (*table, key): value for key, value in values.items() if value is not None
        }
        if given:
            set_settings(config_file(), given)
            self._deps.reload()

    def due(self) -> Iterable[tuple[str, str]]:
        """What the clock should run now: names of checks, each with a project's id or nothing."""
        now = self._now()
        for check, project, plan, last in self._planned():
            if plan.is_due(last, now):
                yield check.name, str(project.id) if project else ""

    def execute(self, name: str, project_id: str) -> None:
        """Run one that is due. What goes wrong is logged, and is tried again when it is due next.

        One that is not due any more is not run: a process that was killed had kept its result, a
        person ran it or switched it off meanwhile.

        Raises:
            Interrupted: the process shuts down.
        """
        try:
            check, project = self.get(name), self._project(project_id)
            with self._held(check, project) as held:
                if held and self._is_due(check, project):
                    self._run(check, project, Trigger.SCHEDULE, self._stop)
        except CancelledError:
            return
        except EspdeckError as error:  # the project is gone, the disk is full
            _LOG.warning("%s: %s", name, error)

    def settle(self, name: str, project_id: str) -> bool:
        """Do one that is due at once if that is quick, as most are where nothing changes.

        A durable run of it would cost several times what it does itself.

        Returns:
            Whether it is done; else it has to be executed.

        Raises:
            Interrupted: the process shuts down.
        """
        try:
            check, project = self.get(name), self._project(project_id)
            lab = self._lab_checks.get(name)
            if lab is not None and lab.quick:
                self.execute(name, project_id)
                return True
            last = store_checks.newest_result(
                self._deps.store, name, project.id if project is not None else None
            )
            if last is None or last.status is CheckStatus.ERROR:
                return False
            if lab is not None and last.duration_seconds > QUICK_SECONDS:
                return False
            with self._held(check, project) as held:
                if not (held and self._is_due(check, project)):
                    return True  # a person runs it, or another look has done so
                if lab is None:
                    return self._confirm(check, project, last)
                self._run(check, project, Trigger.SCHEDULE, self._stop)
                return True
        except EspdeckError:
            return False  # executing it says what is wrong

    def tidy(self) -> None:
        """Delete what checks kept of projects that are gone."""
        known = {str(each.id) for each in store_projects.all_projects(self._deps.store)} | {_LAB}
        for folder in self._deps.folder.glob("*/*"):
            if folder.name not in known:
                tree.delete(folder)

    def close(self) -> None:
        """End what runs by the clock."""
        self._stop.interrupt()

    def _project(self, project_id: str) -> Project | None:
        if not project_id:
            return None
        return store_projects.get_project(self._deps.store, uuid.UUID(project_id))

    def _confirm(self, check: FoundCheck, project: Project | None, last: CheckResultRow) -> bool:
        """Confirm the result of a check of espdeck's own if it stands; whether it does."""
        now = self._now()
        state = _state_that_stands(last, Trigger.SCHEDULE, now)
        if project is None or not state or not check.is_own:
            return False
        context = self._context(check, project, last, now, self._stop)
        try:
            stands = load_own(check).state(context) == state
        except Exception:
            return False  # executing it says what is wrong
        if stands:
            assert last.id is not None
            store_checks.confirm_result(self._deps.store, last.id, self._now())
        return stands

    def _is_due(self, check: FoundCheck, project: Project | None) -> bool:
        plan = plan_of(check, self._deps.settings().checks, project.name if project else "")
        last = store_checks.newest_result(
            self._deps.store, check.name, project.id if project else None
        )
        return plan.is_due(last.confirmed_at if last else None, self._now())

    def _pairs(self) -> Iterator[tuple[FoundCheck, Project | None]]:
        for check in self.list():
            if not self._is_per_project(check):
                yield check, None
        for project in store_projects.all_projects(self._deps.store):
            for check in self.list():
                # One that works with the engine may bring back a project that failed.
                is_due = project.status is ProjectStatus.ACTIVE or check.name in self._lab_checks
                if self._is_per_project(check) and is_due:
                    yield check, project

    def _is_per_project(self, check: FoundCheck) -> bool:
        lab = self._lab_checks.get(check.name)
        return lab is None or lab.per_project

    @contextlib.contextmanager
    def _held(self, check: FoundCheck, project: Project | None) -> Iterator[bool]:
        """Whether this process alone runs the check of the project, for the block."""
        lock = FileLock(self._output(check, project) / "lock")
        try:
            held = lock.acquire()
        except OSError as error:
            raise UsageError(explain(error)) from error
        try:
            yield held
        finally:
            lock.release()

    def _output(self, check: FoundCheck, project: Project | None) -> Path:
        return self._deps.folder / check.name / (str(project.id) if project else _LAB)

    def _run(
        self, check: FoundCheck, project: Project | None, by: Trigger, cancel: CancelToken
    ) -> CheckResultRow:
        store, now = self._deps.store, self._now()
        before = store_checks.newest_result(store, check.name, project.id if project else None)
        started = time.monotonic()
        try:
            ended = (
                self._ended_in_lab(self._lab_checks[check.name], project, by, before, now, cancel)
                if check.name in self._lab_checks
                else self._ended(check, project, by, before, now, cancel)
            )
        except (CancelledError, Interrupted):
            raise
        except EspdeckError as error:
            ended = Ended(CheckResult(CheckStatus.ERROR, str(error)), "")
        except OSError as error:
            ended = Ended(CheckResult(CheckStatus.ERROR, explain(error)), "")
        except Exception as error:
            _LOG.exception("%s", check.name)
            ended = Ended(CheckResult(CheckStatus.ERROR, f"internal error: {error!r}"), "")
        if ended.result is None:
            assert before is not None and before.id is not None
            store_checks.confirm_result(store, before.id, self._now())
            return before
        return self._keep(check, project, by, ended, time.monotonic() - started)

    def _ended_in_lab(
        self,
        check: LabCheck,
        project: Project | None,
        by: Trigger,
        before: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> Ended:
        """Run a check that works with the engine, in this thread and for a bounded time."""
        settings, of = self._deps.settings(), project.name if project is not None else ""
        seconds = settings.check_timeout_seconds
        with cancel_after(seconds, cancel) as token:
            try:
                result = check.run(
                    self._deps.lab,
                    project,
                    options=options_of(describe_lab_check(check), settings, of),
                    previous=before,
                    now=now,
                    cancel=token,
                )
            except CancelledError:
                cancel.check()
                result = CheckResult(CheckStatus.ERROR, f"no end after {seconds:g} s, ended it")
        stands = by is Trigger.SCHEDULE and before is not None and _is_same(before, result)
        return Ended(None if stands else result, "")

    def _ended(
        self,
        check: FoundCheck,
        project: Project | None,
        by: Trigger,
        before: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> Ended:
        assert project is not None
        state = _state_that_stands(before, by, now)
        context = self._context(check, project, before, now, cancel)
        if state and check.is_own and load_own(check).state(context) == state:
            return Ended(None, state)
        most = self._deps.settings().max_memory_usage_mb << 20
        if context.is_working_tree:
            return self._isolate(check, context, state=state, max_memory_bytes=most)
        with self._deps.slots.take(context.repository, context.commit, cancel=cancel) as slot:
            at = replace(context, tree=slot.source)
            return self._isolate(check, at, state=state, max_memory_bytes=most)

    def _keep(
        self, check: FoundCheck, project: Project | None, by: Trigger, ended: Ended, seconds: float
    ) -> CheckResultRow:
        assert ended.result is not None
        now = self._now()
        row = store_checks.add_result(
            self._deps.store,
            CheckResultRow(
                check_name=check.name,
                project_id=project.id if project is not None else None,
                status=ended.result.status,
                message=ended.result.message,
                details=dict(ended.result.details),
                timestamp=now,
                duration_seconds=round(seconds, 3),
                state=ended.state,
                confirmed_at=now,
                triggered_by=by,
            ),
        )
        assert row.id is not None
        self._deps.bus.publish(
            CheckCompleted(
                result_id=row.id,
                check=check.name,
                project_id=str(project.id) if project is not None else "",
                project=project.name if project is not None else "",
                status=row.status,
                message=row.message,
                duration=row.duration_seconds,
            )
        )
        return row

    def _context(
        self,
        check: FoundCheck,
        project: Project,
        before: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> CheckContext:
        settings = self._deps.settings()
        folder = _working_tree(project)
        clone = Path(project.clone_path)
        if folder is None and not project.tip:
            raise UsageError(f"{project.name} has no commit yet: espdeck sync {project.name}")
        successful = store_runs.last_successful(
            self._deps.store, project.id, (project.target, project.configuration), dirty=False
        )
        output = self._output(check, project)
        previous = None
        if before is not None:
            previous = CheckResult(before.status, before.message, before.details)
        return CheckContext(
            project=project.name,
            tree=folder or clone,
            app=project.app,
            repository=folder or clone,
            is_working_tree=folder is not None,
            branch=project.branch,
            commit=project.tip,
            since=successful.commit_sha if successful is not None else "",
            target=project.target,
            options=options_of(check, settings, project.name),
            output=output,
            previous=previous,
            timeout=settings.check_timeout_seconds,
            now=now,
            cancel=cancel,
        )


def _is_same(row: CheckResultRow, result: CheckResult) -> bool:
    """Whether a result is what a kept one is, which then stands: nothing is new."""
    kept = (row.status, row.message, json.dumps(row.details, sort_keys=True))
    return kept == (
        result.status,
        result.message,
        json.dumps(dict(result.details), sort_keys=True),
    )


def _state_that_stands(before: CheckResultRow | None, by: Trigger, now: datetime) -> str:
    """What a result depends on that stands where that has not changed; empty for none."""
    stands = (
        by is Trigger.SCHEDULE
        and before is not None
        and before.status is not CheckStatus.ERROR
        and timedelta(0) <= now - before.timestamp < STANDS_FOR  # the clock may be set
    )
    return before.state if before is not None and stands else ""


def options_of(check: FoundCheck, settings: Settings, project: str) -> Mapping[str, Any]:
    """A check's own settings for a project: its defaults, and what the settings file says."""
    options = dict(check.options)
    index = settings.doc_index
    of_check = settings.checks.get(check.name)
    for name, key in OF_DOC_INDEX.items():
        if name in options:
            options[name] = getattr(index, key)
    of_project = of_check.projects.get(project) if of_check is not None else None
    for each in (of_check, of_project):
        if each is not None:
            options |= {
                name: value for name, value in (each.model_extra or {}).items() if name in options
            }
    return options


def _working_tree(project: Project) -> Path | None:
    """The folder of this machine in which people work on a project; None for another source."""
    try:
        source = check_source(project.source)
    except UsageError:
        return None  # the folder is gone: what was fetched of it is still there
    folder = Path(source.url)
    return folder if source.kind is SourceKind.FILE and (folder / ".git").exists() else None
