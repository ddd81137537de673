"""Takes runs from DBOS's queues at once when something changes, and hardly ever looks else.

DBOS starts a thread for each queue that looks into it time and again, at an even pace: quick
enough for a person who waits, that costs some 3 % of a core for ever. Here the same threads
(``queue_worker_thread`` of DBOS) are started with a pause that can be ended early: they look when
another connection, of this process or of any other, has written to the database of runs. That is
told by its file, and by ``PRAGMA data_version``
(https://sqlite.org/pragma.html#pragma_data_version).
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from dbos import DBOS, _workflow_commands
from dbos._dbos import _get_dbos_instance
from dbos._queue import Queue, queue_worker_thread

from engine.folder_watch import FolderWatch
from engine.store.store_lock import read_only

REST_SECONDS = 30.0
"""Between two looks into a queue while nothing changes, for a change that was missed."""

UNUSED_SECONDS = 60.0
"""Between two of DBOS's looks for what we never ask it for."""

CHANGE_SECONDS = 0.05
"""Between two looks while much is written."""

_ECHO_SECONDS = (0.02, 0.1, 0.5, 2.0, 5.0)
"""How long after the last change queues are looked into again. It is seen a moment later than it is
written; and DBOS counts a run as running for a moment after it has written that it ended, and takes
no other in its place until then, which is seconds on a machine with much else to do."""

_LOG = logging.getLogger("espdeck")


def look_seldom() -> None:
    """Have DBOS look seldom for what we never ask it for; before it is launched.

    Every second it looks for runs that are delayed or have a deadline, and into a queue of its own.
    """
    _workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC = UNUSED_SECONDS
    own = _get_dbos_instance()._registry.get_internal_queue()
    own._polling_interval_sec = UNUSED_SECONDS


class QueueWorkers:
    """The threads that take runs from queues; nothing of DBOS's own may listen to these.

    Args:
        database: of the runs.
        queues: their names; they are registered.
    """

    def __init__(self, database: Path, queues: Sequence[str]) -> None:
        self._database = database
        self._changes = FolderWatch(
            database.parent, (database.name, f"{database.name}-wal"), _ECHO_SECONDS
        )
        self._pauses: list[_Pause] = []
        self._threads = [threading.Thread(target=self._watch, name="runs-watch", daemon=True)]
        dbos = _get_dbos_instance()
        for name in queues:
            queue: Queue | None = DBOS.retrieve_queue(name)
            assert queue is not None, f"queue {name} is not registered"
            pause = _Pause()
            self._pauses.append(pause)
            self._threads.append(
                threading.Thread(
                    target=queue_worker_thread, args=(pause, dbos, queue), name=name, daemon=True
                )
            )

    def start(self) -> None:
        """Begin to take runs: at once those that wait already."""
        for pause in self._pauses:
            pause.wake()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take no more runs."""
        self._changes.close()
        for pause in self._pauses:
            pause.set()
        for thread in self._threads:
            thread.join(5.0)

    def _watch(self) -> None:
        while not self._changes.pause(0):
            try:
                with read_only(self._database) as connection:
                    self._wake_on_change(connection)
            except sqlite3.Error:
                self._changes.pause(1.0)  # the workers look by themselves meanwhile
            except Exception:
                _LOG.exception("watch of the queues")
                self._changes.pause(1.0)
        self._changes.release()

    def _wake_on_change(self, connection: sqlite3.Connection) -> None:
        seen = -1
        while True:
            changed = self._changes.wait(REST_SECONDS)
            if self._changes.pause(0):
                return
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            if changed or version != seen:
                seen = version
                for pause in self._pauses:
                    pause.wake()
                if self._changes.pause(CHANGE_SECONDS):
                    return


class _Pause(threading.Event):
    """The event by which a worker of DBOS is stopped, and for which it waits between two looks."""

    def __init__(self) -> None:
        super().__init__()
        self._woken = threading.Event()

    def set(self) -> None:
        """Stop the worker."""
        super().set()
        self._woken.set()

    def wake(self) -> None:
        """Have it look now."""
        self._woken.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is woken or stopped; whether it is stopped."""
        self._woken.wait(timeout)
        self._woken.clear()
        return self.is_set()
