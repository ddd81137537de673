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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TypeVar

from dbos import DBOS, DBOSClient, DBOSConfig
from dbos import error as dbos_error
from sqlalchemy.exc import DatabaseError

from engine.enums import RunKind
from engine.errors import CancelledError
from engine.runs.database import runs_url, wait_in_background_as
from engine.runs.queue import APPLICATION, APPLICATION_VERSION, WORKFLOW, RunQueue, queue_name
from engine.runs.serialization import ResultSerializer
from engine.store.busy_wait import WaitPolicy
from engine.store.database import StoreError, advice
from engine.store.vacuum import make_shrinkable

POLL_SECONDS = {RunKind.FIRMWARE: 0.1, RunKind.TASK: 0.25}
"""Between two looks of the executor into a queue; a look costs some 2 ms of CPU. What a
model does takes seconds, a build with nothing to do takes one."""

MESSAGE_POLL_SECONDS = 0.05
"""For which DBOS sleeps between two looks for messages, of which we send none: it reads nothing
then, but its end waits for this sleep."""

R = TypeVar("R")
Execute = Callable[[int, str, "Steps"], None]


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
        except dbos_error.DBOSWorkflowCancelledError as error:
            raise CancelledError("cancelled") from error
        except DatabaseError as error:
            raise StoreError(
                f"what a stage did cannot be kept: {advice(error, _database)}"
            ) from error


_execute_run: Execute | None = None
_database = Path("runs.db")


# How often is not for DBOS to limit: it counts each start, also one after an end in good order.
@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
def _execute(run_id: int) -> None:
    assert _execute_run is not None
    assert DBOS.workflow_id is not None
    _execute_run(run_id, DBOS.workflow_id, Steps())


class Executor:
    """The process's durable engine: takes runs from the queue and executes them."""

    def __init__(
        self,
        database: Path,
        workspace: str,
        *,
        concurrency: Mapping[RunKind, int],
        outputs: Mapping[str, type],
        execute: Execute,
        patience: WaitPolicy,
    ) -> None:
        """Launch. Runs that a predecessor left unfinished go on at once.

        Args:
            database: DBOS's own database file.
            workspace: id of the workspace, for which the runs of this database are kept.
            concurrency: how many runs of each kind at once.
            execute: called in a worker thread with a run's number, the id of the durable run,
                and its steps.
            patience: how long work in flight waits for the database.

        Raises:
            StoreError: the database cannot be made or written.
        """
        global _execute_run, _database
        _execute_run, _database = execute, database
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
            "notification_listener_polling_interval_sec": MESSAGE_POLL_SECONDS,
        }
        DBOS(config=config)
        DBOS.launch()

    def close(self) -> None:
        """Stop taking runs. Runs must have been told to stop before."""
        DBOS.destroy(workflow_completion_timeout_sec=0)


def _prepare(database: Path, workspace: str, concurrency: Mapping[RunKind, int]) -> None:
    """Make DBOS's database and our queues, and take over what is left of others."""
    url = runs_url(database)
    make_shrinkable(database)
    DBOS.migrate(system_database_url=url)
    # Before launch: queues that are there already are served at once, a new one only after
    # the next look for queues, a second later.
    client = DBOSClient(
        system_database_url=url, application_name=APPLICATION, serializer=ResultSerializer()
    )
    for kind, most in concurrency.items():
        client.register_queue(
            queue_name(kind, workspace),
            worker_concurrency=most,
            polling_interval_sec=POLL_SECONDS[kind],
            on_conflict="always_update",
        )
    client.destroy()
    runs = RunQueue(database, workspace)
    runs.adopt()
    runs.close()
