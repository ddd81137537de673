"""The client: every call."""

from __future__ import annotations

from typing import overload

from engine.server.client.synchronous.boards import Boards
from engine.server.client.synchronous.builds import Builds
from engine.server.client.synchronous.tasks import Tasks
from engine.server.models.builds import BuildAnswer
from engine.server.models.daemon import Health, Version
from engine.server.models.orchestrate import TaskStatus


class Client(Builds, Tasks, Boards):
    """Talks to a server of espdeck."""

    @overload
    def wait_for_completion(self, job: int, timeout: float | None = None) -> BuildAnswer: ...

    @overload
    def wait_for_completion(self, job: str, timeout: float | None = None) -> TaskStatus: ...

    def wait_for_completion(
        self, job: int | str, timeout: float | None = None
    ) -> BuildAnswer | TaskStatus:
        """Wait until a build or a task has ended, also while the server is started again.

        Args:
            job: ``build_id`` of a build, a number, or ``task_id`` of a task, a text.
            timeout: seconds; None waits as long as it takes.

        Raises:
            ApiError: time is over, it is unknown, or the server was away for too long.
        """
        if isinstance(job, int):
            return self.wait_for_build(job, timeout)
        return self.wait_for_task(job, timeout)

    def version(self) -> Version:
        """Which espdeck serves."""
        return self._get(Version, "version")

    def health(self) -> Health:
        """Health of the daemon, of checks, and of what runs by schedule."""
        return self._get(Health, "daemon/health")
