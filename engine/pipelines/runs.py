"""How any process of a workspace asks for durable runs: a DBOS client, connected when needed.

The application version is pinned: it is raised, with a note in the release, only when a change of
the pipeline's code could not replay the runs that an older version left unfinished.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION = "espdeck"
APPLICATION_VERSION = "1"
WORKFLOW = "espdeck.build"


def queue_name() -> str:
    """The queue of this host."""
    return f"builds@{socket.gethostname()}"


class Runs:
    """Asks for runs, from any process of the workspace.

    The executor must have launched once, for its database to be there.
    """

    def __init__(self, database: Path) -> None:
        self._url = f"sqlite:///{database}"
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None

    def enqueue(self, run_id: str, build_id: int) -> None:
        """Put a run into this host's queue; one with the same id is there only once."""
        self._connected().enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": queue_name(),
                "workflow_id": run_id,
                "app_version": APPLICATION_VERSION,
            },
            build_id,
        )

    def cancel(self, run_id: str) -> None:
        """Take a run out of the queue, or let it start no further step."""
        self._connected().cancel_workflow(run_id)

    def again(self, run_id: str, new_run_id: str, steps: frozenset[str]) -> None:
        """Repeat a run from the wave that holds the last of the named steps.

        Args:
            run_id: the run that ended.
            new_run_id: id of the run that repeats it; what came before is taken over.
            steps: names of steps of one wave.

        Raises:
            LookupError: the run never came to any of them.
        """
        from dbos import SetWorkflowID

        client = self._connected()
        numbers = [
            step["function_id"]
            for step in client.list_workflow_steps(run_id)
            if step["function_name"] in steps
        ]
        if not numbers:
            raise LookupError(", ".join(sorted(steps)))
        with SetWorkflowID(new_run_id):
            client.fork_workflow(
                run_id,
                min(numbers),
                application_version=APPLICATION_VERSION,
                queue_name=queue_name(),
            )

    def is_alive(self, run_id: str) -> bool:
        """Whether a run waits or runs, as far as the durable engine knows."""
        found = self._connected().list_workflows(workflow_ids=[run_id], load_input=False)
        return any(run.status in ("PENDING", "ENQUEUED", "DELAYED") for run in found)

    def _connected(self) -> DBOSClient:
        from dbos import DBOSClient

        with self._lock:
            if self._client is None:
                self._client = DBOSClient(
                    system_database_url=self._url, application_name=APPLICATION
                )
            return self._client
