"""How any process of a workspace asks for durable runs: a DBOS client, connected when needed.

The application version is pinned: it is raised, with a note in the release, only when a change of
the pipeline's code could not replay the runs that an older version left unfinished.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy.exc import DatabaseError

from engine.enums import RunKind
from engine.runs.database import runs_url
from engine.store.busy_wait import use_wait_policy, wait_policy
from engine.store.database import StoreError, advice

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions

APPLICATION = "espdeck"
APPLICATION_VERSION = "5"
WORKFLOW = "espdeck.build"
CHECK_WORKFLOW = "espdeck.check"
HANDLER_WORKFLOW = "espdeck.handler"
TICK_WORKFLOW = "espdeck.tick"

CHECKS: Final = "checks"
"""The queue of what the clock starts."""

Queued = RunKind | Literal["checks"]
"""What waits in a queue of its own."""

_QUEUES: dict[Queued, str] = {RunKind.FIRMWARE: "builds", RunKind.TASK: "tasks", CHECKS: CHECKS}

_WAITING = ("ENQUEUED", "DELAYED")
_UNFINISHED = ("PENDING", *_WAITING)
_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_AT_ONCE = 100  # runs deleted in one transaction


def queue_name(queued: Queued, workspace: str) -> str:
    """A queue of a workspace; tasks and checks are not to hold builds up."""
    return f"{_QUEUES[queued]}@{workspace}"


class RunState(Enum):
    """What has become of a durable run."""

    UNFINISHED = auto()
    """It waits or runs."""

    ABSENT = auto()
    """It was never asked for, or its file is gone."""

    FOREIGN = auto()
    """Another version of espdeck began it."""

    OVER = auto()
    """It ended, or was given up or cancelled."""


class RunQueue:
    """Asks for runs, from any process of the workspace.

    The executor must have launched once, for its database to be there. Every call raises
    :class:`StoreError` when the database cannot be read or written.
    """

    def __init__(self, database: Path, workspace: str) -> None:
        """Know where to ask; nothing is opened yet.

        Args:
            database: DBOS's own database file.
            workspace: id of the workspace (:func:`engine.workspace.workspace_id`).
        """
        self.database = database
        self._workspace = workspace
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None

    def connect(self) -> None:
        """Open the database. Takes half a second the first time, for what is loaded.

        Who asks for a run does so before the run is written down, so that as little time as can be
        lies between the two.
        """
        with self._connected():
            pass

    def adopt(self) -> None:
        """Take over what waits or runs under other names of the workspace, such as a host's.

        Only for the process that is about to execute: then whatever another name has begun or
        waits for is nobody's.
        """
        queues = {queue_name(queued, self._workspace) for queued in _QUEUES}
        with self._connected() as client:
            found = client.list_workflows(
                status=list(_UNFINISHED), app_version=APPLICATION_VERSION, load_input=False
            )
            for run in found:
                if run.queue_name in queues and (
                    run.status in _WAITING or run.executor_id == self._workspace
                ):
                    continue
                begins = (run.queue_name or "").partition("@")[0]
                named = [queued for queued, name in _QUEUES.items() if name == begins]
                queue = queue_name(named[0] if named else RunKind.FIRMWARE, self._workspace)
                client.resume_workflow(run.workflow_id, queue_name=queue)

    def enqueue(
        self, kind: RunKind, workflow_id: str, run_id: int, priority: int | None = None
    ) -> None:
        """Put a run into the workspace's queue; one with the same id is there only once.

        Args:
            priority: 1 goes first; None goes before all of them, first come, first served.
        """
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": queue_name(kind, self._workspace),
            "workflow_id": workflow_id,
            "app_version": APPLICATION_VERSION,
        }
        if priority is not None:
            options["priority"] = priority
        with self._connected() as client:
            client.enqueue(options, run_id)

    def enqueue_check(self, check: str, project_id: str) -> None:
        """Put a check into the workspace's queue, unless it waits or runs already."""
        options: EnqueueOptions = {
            "workflow_name": CHECK_WORKFLOW,
            "queue_name": queue_name(CHECKS, self._workspace),
            "deduplication_id": f"{check}@{project_id}",
            "duplication_policy": "return-existing",
            "app_version": APPLICATION_VERSION,
        }
        with self._connected() as client:
            client.enqueue(options, check, project_id)

    def enqueue_handler(self, handler: str, event: str) -> None:
        """Put a run of a handler into the workspace's queue of checks.

        Args:
            event: what it is given, as JSON.
        """
        options: EnqueueOptions = {
            "workflow_name": HANDLER_WORKFLOW,
            "queue_name": queue_name(CHECKS, self._workspace),
            "app_version": APPLICATION_VERSION,
        }
        with self._connected() as client:
            client.enqueue(options, handler, event)

    def cancel(self, workflow_id: str) -> None:
        """Take a run out of the queue, or let it start no further step."""
        with self._connected() as client:
            client.cancel_workflow(workflow_id)

    def steps_of(self, workflow_id: str) -> dict[str, int]:
        """Numbers of the steps that a run has taken, by their names."""
        with self._connected() as client:
            return {
                step["function_name"]: step["function_id"]
                for step in client.list_workflow_steps(workflow_id)
            }

    def again(
        self, kind: RunKind, workflow_id: str, new_run_id: str, steps: Collection[str]
    ) -> None:
        """Repeat a run from one of its waves on; one with the same new id is there only once.

        Args:
            run_id: the run that ended.
            new_run_id: id of the run that repeats it; what came before is taken over.
            steps: names of the steps of that wave. When the run was ended before any of them
                was, it goes on where it was.
        """
        from dbos import SetWorkflowID

        known = self.steps_of(workflow_id)
        numbers = [known[name] for name in steps if name in known]
        unfinished = max(known.values(), default=0) + 1
        with self._connected() as client:
            if client.list_workflows(workflow_ids=[new_run_id], load_input=False):
                return
            with SetWorkflowID(new_run_id):
                client.fork_workflow(
                    workflow_id,
                    min(numbers, default=unfinished),
                    application_version=APPLICATION_VERSION,
                    queue_name=queue_name(kind, self._workspace),
                )

    def can_repeat(self, workflow_id: str) -> bool:
        """Whether what a run's stages came to can be taken over, as far as it is still there."""
        with self._connected() as client:
            found = client.list_workflows(workflow_ids=[workflow_id], load_input=False)
        return all(run.app_version == APPLICATION_VERSION for run in found)

    def state(self, workflow_id: str) -> RunState:
        """What has become of a run."""
        with self._connected() as client:
            found = client.list_workflows(workflow_ids=[workflow_id], load_input=False)
        if not found:
            return RunState.ABSENT
        if all(run.status not in _UNFINISHED for run in found):
            return RunState.OVER
        if all(run.app_version != APPLICATION_VERSION for run in found):
            return RunState.FOREIGN
        return RunState.UNFINISHED

    def forget(self, before: datetime, known: Collection[str]) -> int:
        """Delete runs that ended and that no row names any more; how many these were.

        Args:
            before: only those that were asked for earlier, in UTC.
            known: ids of runs that rows name.
        """
        return self._forget(None, before, known)

    def forget_clock(self, before: datetime) -> int:
        """Delete ended runs of the clock and of handlers, which no row names; how many these were.

        Args:
            before: only what was started earlier, in UTC.
        """
        return self._forget([TICK_WORKFLOW, CHECK_WORKFLOW, HANDLER_WORKFLOW], before, ())

    def _forget(self, names: list[str] | None, before: datetime, known: Collection[str]) -> int:
        if not self.database.exists():
            return 0
        kept = gone = 0
        with self._connected() as client:
            while True:
                found = client.list_workflows(
                    name=names,
                    status=list(_OVER),
                    end_time=before.isoformat(),
                    limit=_AT_ONCE,
                    offset=kept,
                    load_input=False,
                    load_output=False,
                )
                unknown = [run.workflow_id for run in found if run.workflow_id not in known]
                if unknown:
                    client.delete_workflows(unknown)
                gone += len(unknown)
                kept += len(found) - len(unknown)
                if len(found) < _AT_ONCE:
                    return gone

    @contextlib.contextmanager
    def _connected(self) -> Iterator[DBOSClient]:
        from dbos import DBOSClient
        from dbos import error as dbos_error

        from engine.runs.serialization import ResultSerializer

        try:
            # Another thread may wait for the database with more patience than this one has.
            wait_policy().take(self._lock, self.database)
            try:
                if self._client is None:
                    with use_wait_policy(wait_policy()):
                        self._client = DBOSClient(
                            system_database_url=runs_url(self.database),
                            application_name=APPLICATION,
                            serializer=ResultSerializer(),
                        )
            finally:
                self._lock.release()
            # Who asks is not one of DBOS's own threads.
            with use_wait_policy(wait_policy()):
                yield self._client
        except DatabaseError as error:
            raise StoreError(f"{self.database}: {advice(error, self.database)}") from error
        except dbos_error.DBOSException as error:
            raise StoreError(f"{self.database}: {error}") from error
