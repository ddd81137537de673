"""Durable runs: the one place that knows DBOS (https://docs.dbos.dev/python).

A run is a DBOS workflow, a stage is one of its steps: what a step returned is kept the moment it
ends, so a process that dies loses no finished stage. Steps of one wave run at once: their numbers
are reserved in order first, which keeps replay deterministic. Exactly one process a workspace
launches (the holder of the workspace's lock); :mod:`engine.runs.queue` is how any process asks
for runs.
"""

from __future__ import annotations

import contextvars
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from dbos import DBOS, DBOSClient, DBOSConfig
from dbos import error as dbos_error
from sqlalchemy.exc import DatabaseError

from engine.errors import CancelledError
from engine.runs.database import runs_url, wait_in_background_as
from engine.runs.queue import (
    APPLICATION,
    APPLICATION_VERSION,
    CHECK_WORKFLOW,
    CHECKS,
    HANDLER_WORKFLOW,
    TICK_WORKFLOW,
    WORKFLOW,
    Queued,
    RunQueue,
    queue_name,
)
from engine.runs.queue_workers import REST_SECONDS, QueueWorkers, look_seldom
from engine.runs.schedule_times import start_from_now
from engine.runs.serialization import ResultSerializer, UnreadableResultError
from engine.store.busy_wait import WaitPolicy
from engine.store.database import StoreError, advice
from engine.store.vacuum import make_shrinkable

MESSAGE_POLL_SECONDS, MESSAGE_REST_SECONDS = 0.05, 0.5
"""For which DBOS sleeps between two looks for messages, of which we send none: it reads nothing
then, but its end waits for this sleep. A command wants to end, what stays open wants to rest."""

TICK_CRON = "* * * * *"
"""When it is looked which checks and builds are due: every minute."""

_TICK = "tick"

R = TypeVar("R")
Execute = Callable[[int, str, "Steps"], None]


class Scheduled(Protocol):
    """What is done by the clock: the checks."""

    def due(self) -> Iterable[tuple[str, str]]:
        """What is due now: names of checks, each with a project's id, empty for the lab."""
        ...

    def settle(self, check: str, project_id: str) -> bool:
        """Do one that is due at once, where that is quick; whether that was all."""
        ...

    def execute(self, check: str, project_id: str) -> None:
        """Run one that is due; raises nothing but Interrupted."""
        ...


class Steps:
    """What a run may do that is kept: call functions once, however often the run is replayed."""

    def wave(self, jobs: Sequence[tuple[str, Callable[[], R]]]) -> list[R]:
        """Call functions at once, each in a thread of its own, and keep what they return.

        Args:
            jobs: a name for each and the function, in an order that replay repeats.

        Returns:
            What they returned, in order. One that was called in an earlier process is not called
            again.

        Raises:
            CancelledError: the run was cancelled.
            StoreError: what they did cannot be kept (the disk is full).
            BaseException: what a function raised, after all of them have ended.
        """
        try:
            reserved = [(name, DBOS.reserve_step(), job) for name, job in jobs]
            with ThreadPoolExecutor(len(jobs), thread_name_prefix="stage") as pool:
                futures = [
                    # A reserved step runs only in its workflow's context.
                    pool.submit(
                        contextvars.copy_context().run, partial(step.run, {"name": name}, job)
                    )
                    for name, step, job in reserved
                ]
                wait(futures)
            return [future.result() for future in futures]
        except UnreadableResultError as error:
            error.steps = tuple(name for name, _ in jobs)
            raise
        except dbos_error.DBOSUnexpectedStepError as error:
            what = "its steps were others"
            raise UnreadableResultError(f"started by another version of espdeck: {what}") from error
        except dbos_error.DBOSWorkflowCancelledError as error:
            raise CancelledError("cancelled") from error
        except DatabaseError as error:
            raise StoreError(
                f"what a stage did cannot be kept: {advice(error, _database)}"
            ) from error


_execute_run: Execute | None = None
_scheduled: Scheduled | None = None
_execute_handler: Callable[[str, str], None] | None = None
_runs: RunQueue | None = None
_database = Path("runs.db")


# How often is not for DBOS to limit: it counts each start, also one after an end in good order.
@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
def _execute(run_id: int) -> None:
    assert _execute_run is not None
    assert DBOS.workflow_id is not None
    _execute_run(run_id, DBOS.workflow_id, Steps())


@DBOS.workflow(name=CHECK_WORKFLOW, max_recovery_attempts=None)
def _check(check: str, project_id: str) -> None:
    if _scheduled is not None:
        _scheduled.execute(check, project_id)


@DBOS.workflow(name=HANDLER_WORKFLOW, max_recovery_attempts=None)
def _handle(handler: str, event: str) -> None:
    if _execute_handler is not None:
        _execute_handler(handler, event)


@DBOS.workflow(name=TICK_WORKFLOW, max_recovery_attempts=None)
def _tick(_scheduled_at: datetime, _context: None) -> None:
    assert _runs is not None
    if _scheduled is None:
        return  # left by a process that did what is due
    for check, project_id in _scheduled.due():
        if not _scheduled.settle(check, project_id):
            _runs.enqueue_check(check, project_id)


class Executor:
    """The process's durable engine: takes runs from the queue and executes them."""

    def __init__(
        self,
        database: Path,
        workspace: str,
        *,
        concurrency: Mapping[Queued, int],
        outputs: Mapping[str, type],
        execute: Execute,
        patience: WaitPolicy,
        scheduled: Scheduled | None = None,
        execute_handler: Callable[[str, str], None] | None = None,
    ) -> None:
        """Launch. Runs that a predecessor left unfinished go on at once.

        Args:
            database: DBOS's own database file.
            workspace: id of the workspace, for which the runs of this database are kept.
            concurrency: how many runs of each kind, and how many checks, at once.
            execute: called in a worker thread with a run's number, the id of the durable run,
                and its steps.
            patience: how long work in flight waits for the database.
            scheduled: what is done by the clock; None for nothing.
            execute_handler: called with a handler's name and an event as JSON.

        Raises:
            StoreError: the database cannot be made or written.
        """
        global _execute_run, _database, _scheduled, _runs, _execute_handler
        _execute_handler = execute_handler
        self._database, self._workspace = database, workspace
        _runs = RunQueue(database, workspace)
        _execute_run, _database, _scheduled = execute, database, scheduled
        wait_in_background_as(patience)
        # DBOS adds a console handler of its own unless its logger has one.
        logger = logging.getLogger("dbos")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.propagate = True
        url = runs_url(database)
        try:
            _prepare(database, workspace, concurrency)
        except (DatabaseError, sqlite3.Error) as error:
            raise StoreError(f"{database}: {advice(error, database)}") from error
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": url,
            "executor_id": workspace,
            "application_version": APPLICATION_VERSION,
            "log_level": "WARNING",
            "serializer": ResultSerializer(outputs),
            "notification_listener_polling_interval_sec": (
                MESSAGE_POLL_SECONDS if scheduled is None else MESSAGE_REST_SECONDS
            ),
        }
        self._workers: QueueWorkers | None = None
        DBOS(config=config)
        try:
            look_seldom()
            start_from_now()
            DBOS.listen_queues([])  # else DBOS looks into ours, too, at a pace of its own
            DBOS.launch()
            queues = [queue_name(queue, workspace) for queue in concurrency]
            self._workers = QueueWorkers(database, queues)
            self._workers.start()
            self._schedule(scheduled is not None)
        except BaseException:  # DBOS is one for the process: nobody could launch it again
            self.close()
            raise

    def _schedule(self, active: bool) -> None:
        """Have DBOS start what is due every minute, or not."""
        if not active:
            DBOS.delete_schedule(_TICK)
            return
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": _TICK,
                    "workflow_fn": _tick,
                    "schedule": TICK_CRON,
                    "context": None,
                    "queue_name": queue_name(CHECKS, self._workspace),
                }
            ]
        )

    def limit(self, concurrency: Mapping[Queued, int]) -> None:
        """Change how many run at once; those that run are not ended.

        Raises:
            StoreError: the database cannot be written.
        """
        try:
            _register(self._database, self._workspace, concurrency)
        except (DatabaseError, sqlite3.Error) as error:
            raise StoreError(f"{self._database}: {advice(error, self._database)}") from error

    def close(self) -> None:
        """Stop taking runs. Runs must have been told to stop before."""
        try:
            if self._workers is not None:
                self._workers.close()
        finally:
            DBOS.destroy(workflow_completion_timeout_sec=0)
            assert _runs is not None
            _runs.close()


def _prepare(database: Path, workspace: str, concurrency: Mapping[Queued, int]) -> None:
    """Make DBOS's database and our queues, and take over what is left of others."""
    make_shrinkable(database)
    DBOS.migrate(system_database_url=runs_url(database))
    _register(database, workspace, concurrency)
    runs = RunQueue(database, workspace)
    runs.adopt()
    runs.close()


def _register(database: Path, workspace: str, concurrency: Mapping[Queued, int]) -> None:
    client = DBOSClient(
        system_database_url=runs_url(database),
        application_name=APPLICATION,
        serializer=ResultSerializer(),
    )
    try:
        for queue, most in concurrency.items():
            client.register_queue(
                queue_name(queue, workspace),
                worker_concurrency=most,
                polling_interval_sec=REST_SECONDS,
                on_conflict="always_update",
            )
    finally:
        client.destroy()
