"""Cloning and syncing in threads: one at a time for a project, over all processes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.file_lock import FileLock

STOP_TIMEOUT_SECONDS = 5.0
"""Seconds that a clone or a fetch gets to stop."""


def fetch_lock(clone: Path) -> FileLock:
    """The lock that whoever fetches into a clone, or deletes it, holds; it lies beside it."""
    return FileLock(clone.with_name(f"{clone.name}.fetch"))


@dataclass(frozen=True, slots=True)
class _Job:
    thread: threading.Thread
    cancel: CancelToken


class Jobs:
    """What is done with projects in this process, and the locks that other processes see.

    Args:
        folder: for the locks, one file a project.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._working: dict[uuid.UUID, _Job] = {}

    def lock_of(self, project_id: uuid.UUID) -> FileLock:
        """The lock that whoever works on a project holds."""
        # The first file of the folder, made here: others must not read what is cloned into it.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileLock(self._folder / f"{project_id}.lock")

    def start(
        self, project_id: uuid.UUID, job: Callable[[CancelToken], None], lock: FileLock
    ) -> None:
        """Do a job in a thread, which gives ``lock`` back.

        Args:
            job: must not raise.
        """
        cancel = CancelToken()

        def work() -> None:
            try:
                job(cancel)
            finally:
                with self._lock:
                    del self._working[project_id]
                    lock.release()

        with self._lock:
            # A daemon: a server that keeps silent must not keep the process alive.
            thread = threading.Thread(target=work, name=f"project {project_id}", daemon=True)
            self._working[project_id] = _Job(thread, cancel)
            thread.start()

    def is_working(self, project_id: uuid.UUID) -> bool:
        """Whether a job of a project has not ended in this process."""
        with self._lock:
            return project_id in self._working

    def wait(self, project_id: uuid.UUID, timeout: float | None) -> None:
        """Wait until no job of a project is left in this process, or ``timeout`` seconds."""
        with self._lock:
            working = self._working.get(project_id)
        if working is not None:
            working.thread.join(timeout)

    def cancel(self, project_id: uuid.UUID) -> None:
        """End the job of a project in this process, if there is one."""
        with self._lock:
            working = self._working.get(project_id)
        if working is not None:
            working.cancel.cancel()
            working.thread.join(STOP_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Interrupt every job."""
        with self._lock:
            working = tuple(self._working.values())
        for job in working:
            job.cancel.interrupt()
        for job in working:
            job.thread.join(STOP_TIMEOUT_SECONDS)
