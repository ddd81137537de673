"""The engine: what a front end talks to. One attribute a capability, one door each."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from engine import private_files
from engine.boards.names import check_names
from engine.cancel import CancelToken
from engine.daemon_control import running_daemon
from engine.enums import RunKind, RunStatus
from engine.errors import EspdeckError, Interrupted, UsageError
from engine.events import Bus, Event, Problem, RunChanged
from engine.file_lock import FileLock
from engine.files import explain
from engine.logs.log_file import LOG_FILE, log_to
from engine.logs.settings_log import settings_changes, settings_secrets
from engine.parts import part
from engine.processes.registry import ProcessRegistry, use_registry
from engine.runs.active import ActiveRuns
from engine.runs.database import check_version
from engine.runs.event_stream import EventStream
from engine.runs.journal import Journal, event_of
from engine.runs.queue import APPLICATION_VERSION, CHECKS, Queued, RunQueue
from engine.settings import LlmSettings, Settings, SettingsSource, config_file
from engine.settings.file_watch import follow_file
from engine.settings.models import AT_START, has_note
from engine.store import logs
from engine.store import runs as store_runs
from engine.store.busy_wait import WaitPolicy, lock_holders, use_wait_policy
from engine.store.database import HEAD, Store, StoreError
from engine.store.sqlite_errors import explain_errors
from engine.store.store_lock import version_of
from engine.store.tables import Run, utc_now
from engine.toolchains import idf_installs
from engine.workspace import workspace_id

if TYPE_CHECKING:
    from engine.access.service import Access
    from engine.artifacts.mover import Mover
    from engine.artifacts.service import Artifacts
    from engine.boards.service import Boards
    from engine.builds.board_consoles import BoardConsoles
    from engine.builds.board_program import BoardPrograms
    from engine.builds.fixes import Fixes
    from engine.builds.quality_gate import Gates
    from engine.builds.service import Builds
    from engine.checks.service import Checks
    from engine.handlers import Handlers
    from engine.llm.service import Models
    from engine.maintenance import Maintenance
    from engine.metrics.service import Metrics
    from engine.monitor.retention import SessionLimits
    from engine.notify.service import Notifications
    from engine.overview.service import Overview
    from engine.overview.work import Executing
    from engine.projects.editor import ProjectEditor
    from engine.projects.service import Projects
    from engine.projects.slots import Slots
    from engine.retention import RunLimits
    from engine.runs.executor import Executor
    from engine.runs.service import RunService, RunServices
    from engine.tasks.changes import TaskChanges
    from engine.tasks.keyring import TaskKeyring
    from engine.tasks.keys import TaskKeys
    from engine.tasks.service import Tasks
    from engine.tasks.task_run import TaskRun
    from engine.webhooks.service import Webhooks

LOOK_FOR_LOCK = 0.5
"""Seconds between two tries to take over the builds of a process that went away."""

STOP_WITHIN = 5.0
"""Seconds that running stages get to stop when the engine closes."""

CLOSE_WITHIN = 1.0
"""Seconds that closing waits for a database that somebody else holds."""

LOOK_FOR_RUNS = 5.0
"""Seconds between two looks for runs that were written down and never asked for."""

HINDRANCES_SECONDS = 1.0
"""Seconds for which it is not looked again whether anything can be built."""

_LOG = logging.getLogger("espdeck")


class Engine:
    """A workspace at work.

    Several processes may open one workspace. The first that asks to execute runs the builds of
    this host; the others see its events, and one of them takes over when it goes away.
    """

    stream: EventStream

    def __init__(
        self,
        settings: Settings,
        load: SettingsSource | None = None,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Make an engine; nothing is opened yet.

        Args:
            settings: as :meth:`Settings.load` read them.
            load: reads them again, with the same flags, when their file has changed; raises
                UsageError. None where they are what they are.
            now: the clock by which checks are due.
        """
        self.making = threading.RLock()
        self._settings = settings
        self._now = now
        self._load = load
        self.events = Bus(self._last_seq)
        self._lock = FileLock(settings.workspace / "executor.lock")
        self._turn = threading.Lock()
        self._reloading = threading.Lock()
        self._store: Store | None = None
        self._executor: Executor | None = None
        self._mover: Mover | None = None
        self._ready = threading.Event()
        self._asked = threading.Event()
        self._failure: str | None = None
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._stop = CancelToken()
        self._patience = WaitPolicy(None, self._stop, self._complain)
        self._scheduled = False
        self._models: tuple[LlmSettings, Models] | None = None
        self._looking = threading.Lock()
        self._looked = -math.inf
        self._hindrances: Sequence[str] = ()

    def __enter__(self) -> Engine:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self._settings

    @property
    def is_executor(self) -> bool:
        """Whether this process runs the builds of this host."""
        return self._lock.held

    @property
    def models(self) -> Models:
        """The models of the settings. Its HTTP client is heavy: loaded when first asked for."""
        from engine.llm.service import Models

        settings = self.settings.llm
        if self._models is None or self._models[0] != settings:
            self._models = settings, Models(settings)
        return self._models[1]

    @property
    def _opened(self) -> Store:
        assert self._store is not None, "the engine is not open"
        return self._store

    @part
    def access(self) -> Access:
        """Tokens, logins and the audit log."""
        from engine.access.service import Access

        return Access(self._opened, self._now)

    @part
    def artifacts(self) -> Artifacts:
        """The files that runs keep."""
        from engine.artifacts.service import Artifacts

        return Artifacts(
            self._opened,
            self._current_settings,
            self.settings.workspace,
            self._workspace,
            self._now,
        )

    @part
    def boards(self) -> Boards:
        """Boards, and who has them.

        Raises:
            UsageError: their locks cannot be read or written.
        """
        from engine.boards.lock_folder import LOCKS, LockFolder
        from engine.boards.service import Boards

        settings, folder = self.settings, self.settings.workspace / "boards"
        try:
            return Boards(
                settings.boards,
                folder,
                self._opened,
                settings.board,
                _session_limits(settings),
                LockFolder.find(settings.lock_folder, folder / LOCKS),
            )
        except OSError as error:
            raise UsageError(explain(error)) from error

    @part
    def _slots(self) -> Slots:
        from engine.projects.slots import Slots

        is_unfinished = functools.partial(store_runs.is_unfinished, self._opened)
        return Slots(self.settings.workspace / "worktrees", is_unfinished)

    @part
    def projects(self) -> Projects:
        """Repositories under watch."""
        from engine.projects.service import Projects

        folder = self.settings.workspace / "projects"
        return Projects(self._opened, self.events, folder, self._slots)

    @part
    def project_editor(self) -> ProjectEditor:
        """What adds projects and changes them."""
        from engine.projects.editor import ProjectEditor

        return ProjectEditor(self.projects)

    @part
    def _run_services(self) -> RunServices:
        from engine.runs.service import RunServices

        return RunServices(
            store=self._opened,
            bus=self.events,
            journal=self._journal,
            active=self._active,
            runs=self._runs,
            boards=lambda: self.boards,
            artifacts=lambda: self.artifacts,
            wait_ready=self._ready_to_ask,
            is_asked_elsewhere=lambda: not self.is_executor and self.executor_pid is not None,
        )

    @part
    def builds(self) -> Builds:
        """Builds of projects."""
        from engine.builds.service import Builds

        return Builds(self._run_services, self.projects)

    @part
    def gate(self) -> Gates:
        """The quality gate."""
        from engine.builds.quality_gate import Gates

        return Gates(self._opened, self.projects, self.builds, self._slots, self._current_settings)

    @part
    def fixes(self) -> Fixes:
        """Repairs that builds propose."""
        from engine.builds.fixes import Fixes

        return Fixes(self._opened, self._current_settings)

    @part
    def _task_keys(self) -> TaskKeys:
        from engine.tasks.keys import TaskKeys

        return TaskKeys()

    @part
    def _task_keyring(self) -> TaskKeyring:
        from engine.tasks.keyring import TaskKeyring

        return TaskKeyring(self.settings.workspace, self._task_keys, lambda: self.is_executor)

    @part
    def tasks(self) -> Tasks:
        """Tasks for models."""
        from engine.tasks.service import Tasks

        return Tasks(
            self._run_services,
            self.projects,
            self._current_settings,
            lambda: self.models,
            self._task_keyring,
            now=self._now,
        )

    @part
    def task_changes(self) -> TaskChanges:
        """What tasks change of projects."""
        from engine.tasks.changes import TaskChanges

        return TaskChanges(self._opened, self._current_settings, self.projects)

    @part
    def checks(self) -> Checks:
        """Periodic looks at projects and the lab."""
        from engine.checks.lab import LabServices
        from engine.checks.service import CheckDeps, Checks

        store, settings = self._opened, self._current_settings
        return Checks(
            CheckDeps(
                store=store,
                bus=self.events,
                slots=self._slots,
                lab=LabServices(self.projects, self.builds, self.boards, store, settings),
                folder=self.settings.workspace / "checks",
                settings=settings,
                reload=self.reload,
            ),
            now=self._now,
        )

    @part
    def _handlers(self) -> Handlers:
        from engine.handlers import Handlers

        return Handlers(self._current_settings, self._runs.enqueue_handler)

    @part
    def notifications(self) -> Notifications:
        """What is told to whom."""
        from engine.notify.service import Notifications

        return Notifications(self._opened, self.events, self._current_settings)

    @part
    def webhooks(self) -> Webhooks:
        """What forges post."""
        from engine.webhooks.service import Webhooks
        from engine.webhooks.work import HookServices

        services = HookServices(self._opened, self.projects, self.builds, self._current_settings)
        return Webhooks(services, self.events, self._now)

    @part
    def maintenance(self) -> Maintenance:
        """What keeps the workspace small and safe."""
        from engine.maintenance import Maintenance
        from engine.retention import Retention

        folder = self.settings.workspace
        retention = Retention(
            self._opened,
            self._runs,
            artifacts=folder / "artifacts",
            boards=folder / "boards",
            sessions=self.boards.sessions_folder,
            limits=self._run_limits,
        )
        return Maintenance(
            folder, retention, self.artifacts, self.projects, self.checks, self._complain
        )

    @part
    def metrics(self) -> Metrics:
        """Measures of builds, and statistics."""
        from engine.metrics.service import Metrics

        return Metrics(self._opened, self.events)

    @part
    def overview(self) -> Overview:
        """The lab at a glance."""
        from engine.overview.service import Overview

        return Overview(
            self._opened,
            self.boards,
            self._current_settings,
            executing=self._executing,
            bus=self.events,
            now=self._now,
        )

    def _executing(self) -> Executing:
        from engine.overview.work import Executing

        return Executing(self.is_executor, self._ready.is_set(), self.executor_pid)

    @part
    def programs(self) -> BoardPrograms:
        """Programs of builds, for decoding consoles."""
        from engine.builds.board_program import BoardPrograms

        return BoardPrograms(self.projects, self.builds, self.boards)

    @part
    def consoles(self) -> BoardConsoles:
        """Consoles that several watch at once."""
        from engine.builds.board_consoles import BoardConsoles

        return BoardConsoles(self.boards, lambda: self.programs)

    def _service_of(self, run: Run) -> RunService:
        return self.builds if run.kind is RunKind.FIRMWARE else self.tasks

    def open(self, *, execute: bool = True, scheduled: bool = False) -> None:
        """Open the workspace. Blocks for some 0.3 s; builds can be asked for when it returns.

        Args:
            execute: run builds here unless another process does; False only looks.
            scheduled: as long as builds run here, run what is due by the clock, too: for what
                stays open.

        Raises:
            StoreError: the database cannot be opened.
            UsageError: a setting makes no sense.
        """
        self._scheduled = scheduled
        folder = self.settings.workspace
        check_names((*self.settings.boards, *self.settings.board))
        idf_installs.add_search_folders(self.settings.idf_paths)
        try:
            private_files.check_owner(folder)
        except OSError as error:
            raise UsageError(explain(error)) from error
        check_version(folder / "runs.db", APPLICATION_VERSION)
        self._check_daemon()
        store = Store(folder / "espdeck.db")
        try:
            said = self._open_parts(store)
            is_ours = self._take_lock()
        except OSError as error:
            store.close()
            raise UsageError(explain(error)) from error
        except BaseException:
            store.close()
            raise
        self._store = store  # what close() closes is there from here on
        self._journal.start()
        if scheduled and self._load is not None:
            self._spawn(self._follow_settings, "settings")
        if said:
            self._complain(said)
        if is_ours:
            if execute:
                self._put_back()
                self._spawn(self._launch, "launch")
            else:
                store_runs.put_back_running(store, died=True)
                self._lock.release()
        elif execute:
            self._spawn(self._take_over, "take-over")

    def _check_daemon(self) -> None:
        """See that no daemon of an older espdeck keeps the database from being migrated.

        Raises:
            UsageError: one does.
            StoreError: the database cannot be read.
        """
        database = self.settings.workspace / "espdeck.db"
        daemon = running_daemon(self.settings.workspace)
        if daemon is None or daemon == os.getpid():
            return
        with explain_errors(database):
            version = version_of(database)
        if version is not None and version < HEAD:
            raise UsageError(
                f"the daemon (process {daemon}) is of an older espdeck, whose database this one "
                "changes: espdeck daemon restart; what it carries out goes on then"
            )

    def _open_parts(self, store: Store) -> str:
        """Make what the workspace is used through; what is to be said of its modes.

        Raises:
            StoreError: the database cannot be read.
            OSError: a file of the workspace cannot be read or written.
        """
        folder = self.settings.workspace
        log_to(folder / LOG_FILE, self.settings.log, settings_secrets(self.settings))
        said = private_files.close_to_others(folder)
        self._workspace = workspace_id(folder)
        self._active = ActiveRuns(store, self.events, self._patience)
        self.stream = EventStream(store, self._now)
        self._journal = Journal(store, self.events, self._active.cancel_requested, self.stream.wake)
        self._runs = RunQueue(folder / "runs.db", self._workspace)
        return said

    def close(self) -> None:
        """Stop. Running builds are interrupted and go on when the workspace is opened next."""
        if self._store is None or self._closed.is_set():
            return
        self._closed.set()
        self._asked.set()
        self._stop.interrupt()
        self._close_parts("checks", "_handlers", "consoles", "overview")
        with self._turn:
            self._active.interrupt(STOP_WITHIN)
            if self._executor is not None:
                self._executor.close()
        for thread in self._threads:
            thread.join(STOP_WITHIN)
        with use_wait_policy(WaitPolicy(CLOSE_WITHIN)):
            self._close_parts("access", "projects", "boards")
            self._runs.close()
            self._journal.close()
            self.stream.close()
            if self._lock.held:
                with contextlib.suppress(StoreError):  # who opens it next sees to it
                    store_runs.put_back_running(self._store, died=False)
                self._lock.release()
                use_registry(None)
        self._store.close()

    def _close_parts(self, *names: str) -> None:
        for name in names:
            with self.making:  # else one is made after this
                made = vars(self).get(name)
            if made is not None:
                made.close()

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait until this process runs builds, or another one does.

        Raises:
            EspdeckError: it cannot, or took longer than ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self._ready.wait(0.05):
            if self._failure is not None:
                raise EspdeckError(self._failure)
            if not self._lock.held and (self.settings.workspace / "runs.db").exists():
                return
            if time.monotonic() > deadline:
                reason = self._patience.reason
                raise EspdeckError(reason or "the durable engine did not start (see espdeck.log)")

    def _ready_to_ask(self) -> None:
        self.wait_ready()
        if self.is_executor or self.executor_pid is None:
            self._runs.connect()

    def replay(self, run_id: int, after: int = 0) -> Iterator[Event]:
        """Events of a build from the store, in order, after a sequence number."""
        assert self._store is not None
        self._journal.flush()
        for row in logs.replay(self._store, run_id, after=after):
            event = event_of(row)
            if event is not None:
                yield event

    def _last_seq(self, run_id: int) -> int:
        return logs.last_seq(self._store, run_id) if self._store is not None else 0

    def _spawn(self, target: Callable[[], None], name: str) -> None:

        def run() -> None:
            # What nobody waits for waits itself, as long as it takes; a shutdown ends it.
            with contextlib.suppress(Interrupted), use_wait_policy(self._patience):
                target()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _launch(self) -> None:
        """Become the process that runs builds: heavy, so in a thread of its own."""
        try:
            with self._turn:
                if self._closed.is_set():
                    return
                self._start_executor()
            self.events.subscribe(self._note_asked)
            self._spawn(self._look_for_runs, "look-for-runs")
            self._spawn(self._look_after, "upkeep")
            self._spawn(self._move_artifacts, "artifacts")
            self._spawn(lambda: self.metrics.follow(self._stop), "metrics")
            self._spawn(functools.partial(self.notifications.run, self._stop), "notify")
            self._spawn(functools.partial(self.webhooks.run, self._stop), "webhooks")
            self.boards.start(self._stop)
        except Interrupted:
            return
        except EspdeckError as error:
            self._give_up_launch(str(error))
        except Exception as error:
            _LOG.exception("launch")
            self._give_up_launch(f"builds cannot run here: {error!r} (see espdeck.log)")

    def _give_up_launch(self, reason: str) -> None:
        self.events.publish(Problem(message=reason))
        if not self._ready.is_set():  # a board that does not start is no reason to build nothing
            self._failure = reason
            self._lock.release()  # another process may do better

    def _start_executor(self) -> None:
        from engine.builds import outputs
        from engine.builds.build_run import BuildDeps, BuildRun
        from engine.runs.executor import Executor
        from engine.runs.runner import Runner, RunnerDeps
        from engine.tasks import context

        assert self._store is not None
        folder = self.settings.workspace
        registry = ProcessRegistry(folder / "processes")
        registry.end_orphans()
        use_registry(registry)
        of_builds = BuildDeps(self._store, self._current_settings, self.boards, self._slots)
        runner = Runner(
            RunnerDeps(
                active=self._active,
                store=self._store,
                bus=self.events,
                journal=self._journal,
                settings=self._current_settings,
                models=lambda: self.models,
                artifacts=folder / "artifacts",
                kept=self.artifacts.kept.set,
                patience=self._patience,
                do_again=lambda run, steps: self._service_of(run).do_again(run, steps),
            ),
            {
                RunKind.FIRMWARE: functools.partial(BuildRun, of_builds),
                RunKind.TASK: self._task_run,
            },
        )
        self._executor = Executor(
            folder / "runs.db",
            self._workspace,
            concurrency=self._limits(),
            outputs={**outputs.OUTPUTS, **context.OUTPUTS},
            execute=runner.execute,
            patience=self._patience,
            scheduled=self.checks if self._scheduled else None,
            execute_handler=self._handlers.execute,
        )
        self.events.subscribe(self._handlers.take)
        self._handlers.start()
        self._ensure_executed()
        self._ready.set()

    def _task_run(self, run: Run) -> TaskRun:
        from engine.tasks.task_run import TaskDeps, TaskRun

        deps = TaskDeps(
            *(self._opened, self._slots, self.boards, self.gate.built, self._task_keys, self._now)
        )
        return TaskRun(deps, run)

    def _limits(self) -> dict[Queued, int]:
        """How many runs of each kind, and how many checks, at once."""
        return {
            RunKind.FIRMWARE: self.settings.max_concurrent_builds,
            RunKind.TASK: self.settings.max_concurrent_tasks,
            CHECKS: self.settings.max_concurrent_checks,
        }

    def _ensure_executed(self) -> None:
        """See to runs that no durable run carries: their asker died, or what it asked is gone."""
        assert self._store is not None
        runs = store_runs.unfinished_runs(self._store)
        self._task_keys.keep_only({run.workflow_id for run in runs})
        for run in runs:
            self._service_of(run).ensure_executed(run)

    def _look_for_runs(self) -> None:
        assert self._store is not None
        while not self._closed.is_set():
            try:
                with self._store.watch() as data_version:
                    self._ensure_executed_on_change(data_version)
            except StoreError:
                self._closed.wait(LOOK_FOR_RUNS)  # the disk is full: later
            except Exception:
                _LOG.exception("look for runs")
                self._closed.wait(LOOK_FOR_RUNS)

    def _ensure_executed_on_change(self, data_version: Callable[[], int]) -> None:
        seen = data_version()
        while not self._closed.is_set():
            asked = self._asked.wait(LOOK_FOR_RUNS)
            self._asked.clear()
            if (current := data_version()) != seen or asked or self._task_keys:
                self._ensure_executed()
                seen = current

    def _note_asked(self, event: Event) -> None:
        if isinstance(event, RunChanged) and event.status is RunStatus.PENDING:
            self._asked.set()

    def _current_settings(self) -> Settings:
        return self._settings

    def reload(self) -> None:
        """Read the settings again; where they make no sense, those from before stay in force.

        Those that take effect at the next start stay as they were: where the workspace is, where
        boards are locked.

        Raises:
            UsageError: they make no sense, or cannot be read.
            StoreError: they cannot be put into force now.
        """
        if self._load is None:
            return
        with self._reloading:
            kept = [
                name for name, field in Settings.model_fields.items() if has_note(field, AT_START)
            ]
            new = self._load().model_copy(
                update={name: getattr(self._settings, name) for name in kept}
            )
            if new == self._settings:
                return
            changes = settings_changes(self._settings, new)
            self.boards.change((*new.boards,), new.board, _session_limits(new))
            idf_installs.add_search_folders(new.idf_paths)
            self._settings = new
            self.checks.reload()
            if self._mover is not None:
                self._mover.settings_changed()
            if self._executor is not None:
                self._executor.limit(self._limits())
            _LOG.info("settings changed: %s", "; ".join(changes))
            log_to(new.workspace / LOG_FILE, new.log, settings_secrets(new))

    def _follow_settings(self) -> None:
        """Take the settings again whenever their file changes, until the engine closes."""
        follow_file(config_file(), self.reload_or_complain, self._stop)

    def reload_or_complain(self) -> bool:
        """As :meth:`reload`; what is wrong is published as a problem. Whether nothing was."""
        try:
            self.reload()
        except EspdeckError as error:
            self._complain(f"the settings from before stay in force: {error}")
            return False
        return True

    def unfinished_runs(self) -> Sequence[Run]:
        """Builds and tasks that wait or are carried out, by number."""
        assert self._store is not None
        return store_runs.unfinished_runs(self._store)

    @property
    def has_successor(self) -> bool:
        """Whether a daemon waits to run what this process leaves."""
        daemon = running_daemon(self.settings.workspace)
        return daemon is not None and daemon != os.getpid()

    @property
    def executor_pid(self) -> int | None:
        """Which process runs the builds of this host; None where none does."""
        if self.is_executor:
            return os.getpid()
        return next(iter(lock_holders(self._lock.path)), None)

    def hindrances(self) -> Sequence[str]:
        """Why nothing can be built now, a line for each reason, without paths; empty when it can.

        Cheap: what was found is true for a second. A store that others write is given a moment.
        """
        with self._looking:
            if time.monotonic() - self._looked >= HINDRANCES_SECONDS:
                self._hindrances = self._look_for_hindrances()
                self._looked = time.monotonic()
            return self._hindrances

    def _look_for_hindrances(self) -> Sequence[str]:
        if self._store is None or self._closed.is_set():
            return ("the engine is closed",)
        found = []
        try:
            with use_wait_policy(WaitPolicy(CLOSE_WITHIN)):
                self._store.check_writable()
        except StoreError:
            found.append("the store cannot be written (espdeck daemon logs)")
        if self.executor_pid is None:
            found.append("no process carries out builds (espdeck daemon start)")
        elif self.is_executor and not self._ready.is_set():
            found.append("what carries out builds is starting")
        return tuple(found)

    def _run_limits(self) -> RunLimits:
        from engine.retention import RunLimits

        settings = self.settings
        builds = (each.known_good_build[1] for each in settings.board.values())
        return RunLimits(
            settings.run_days,
            settings.run_count,
            settings.run_megabytes << 20,
            named=frozenset(number for number in builds if number is not None),
            projects={name: each.keep for name, each in settings.projects.items()},
        )

    def _complain(self, line: str) -> None:
        self.events.publish(Problem(message=line))

    def _look_after(self) -> None:
        self.maintenance.run_daily(self._stop)

    def _move_artifacts(self) -> None:
        from engine.artifacts.mover import Mover

        assert self._store is not None
        self._mover = Mover(self.artifacts, self._store, self._complain)
        self._mover.run(self._stop)

    def _take_over(self) -> None:
        while not self._closed.wait(LOOK_FOR_LOCK):
            if self._take_lock():
                try:
                    self._put_back()
                except EspdeckError as error:
                    self._give_up_launch(str(error))
                    return
                self._launch()
                return

    def _take_lock(self) -> bool:
        """Become the process that runs builds, unless there is one, or a daemon that will be.

        Raises:
            OSError: the lock cannot be made.
        """
        if not self._lock.acquire():
            return False
        if self.has_successor:
            self._lock.release()
            return False
        return True

    def _put_back(self) -> None:
        """Make what a dead process left in the midst of its work ready to be done again."""
        assert self._store is not None
        store_runs.put_back_running(self._store, died=True)
        self.projects.recover()


def _session_limits(settings: Settings) -> SessionLimits:
    from engine.monitor.retention import SessionLimits

    return SessionLimits(settings.session_days, settings.session_megabytes << 20)
