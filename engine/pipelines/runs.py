"""How any process of a workspace asks for durable runs: a DBOS client, connected when needed.

The application version is pinned: it is raised, with a note in the release, only when a change of
the pipeline's code could not replay the runs that an older version left unfinished.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError

from engine.pipelines.runs_database import runs_url
from engine.store.database import StoreError, advice
from engine.words import RunKind

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions

APPLICATION = "espdeck"
APPLICATION_VERSION = "4"
WORKFLOW = "espdeck.build"


_QUEUES = {RunKind.FIRMWARE: "builds", RunKind.TASK: "tasks"}


def queue_name(kind: RunKind) -> str:
    """The queue of this host for runs of a kind; tasks are not to hold builds up."""
    return f"{_QUEUES[kind]}@{socket.gethostname()}"


class Runs:
    """Asks for runs, from any process of the workspace.

    The executor must have launched once, for its database to be there. Every call raises
    :class:`StoreError` when the database cannot be read or written.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None

    def enqueue(
        self, kind: RunKind, run_id: str, build_id: int, priority: int | None = None
    ) -> None:
        """Put a run into this host's queue; one with the same id is there only once.

        Args:
            priority: 1 goes first; None goes before all of them, first come, first served.
        """
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": queue_name(kind),
            "workflow_id": run_id,
            "app_version": APPLICATION_VERSION,
        }
        if priority is not None:
            options["priority"] = priority
        with self._connected() as client:
            client.enqueue(options, build_id)

    def cancel(self, run_id: str) -> None:
        """Take a run out of the queue, or let it start no further step."""
        with self._connected() as client:
            client.cancel_workflow(run_id)

    def again(self, kind: RunKind, run_id: str, new_run_id: str, steps: frozenset[str]) -> None:
        """Repeat a run from one of its waves on.

        Args:
            run_id: the run that ended.
            new_run_id: id of the run that repeats it; what came before is taken over.
            steps: names of the steps of that wave. When the run was ended before any of them
                was, it goes on where it was.
        """
        from dbos import SetWorkflowID

        with self._connected() as client:
            known = client.list_workflow_steps(run_id)
            numbers = [step["function_id"] for step in known if step["function_name"] in steps]
            unfinished = max((step["function_id"] for step in known), default=0) + 1
            with SetWorkflowID(new_run_id):
                client.fork_workflow(
                    run_id,
                    min(numbers, default=unfinished),
                    application_version=APPLICATION_VERSION,
                    queue_name=queue_name(kind),
                )

    def why_lost(self, run_id: str) -> str | None:
        """Why nothing carries a run any more; None while it waits or runs."""
        with self._connected() as client:
            found = client.list_workflows(workflow_ids=[run_id], load_input=False)
        alive = [run for run in found if run.status in ("PENDING", "ENQUEUED", "DELAYED")]
        if not alive:
            return "lost: the process that ran it died too often"
        if all(run.app_version != APPLICATION_VERSION for run in alive):
            return "lost: another version of espdeck began it, start it again"
        return None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[DBOSClient]:
        from dbos import DBOSClient
        from dbos import error as dbos_error

        try:
            with self._lock:
                if self._client is None:
                    self._client = DBOSClient(
                        system_database_url=runs_url(self._database),
                        application_name=APPLICATION,
                    )
            yield self._client
        except DatabaseError as error:
            raise StoreError(f"{self._database}: {advice(error)}") from error
        except dbos_error.DBOSException as error:
            raise StoreError(f"{self._database}: {error}") from error
