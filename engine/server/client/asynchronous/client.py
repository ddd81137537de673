"""The client: every call."""

from __future__ import annotations

from typing import overload

from engine.server.client.asynchronous.boards import AsyncBoards
from engine.server.client.asynchronous.builds import AsyncBuilds
from engine.server.client.asynchronous.tasks import AsyncTasks
from engine.server.models.builds import BuildAnswer
from engine.server.models.daemon import Health, Version
from engine.server.models.orchestrate import TaskStatus


class AsyncClient(AsyncBuilds, AsyncTasks, AsyncBoards):
    """Talks to a server of espdeck."""

    @overload
    async def wait_for_completion(self, job: int, timeout: float | None = None) -> BuildAnswer: ...

    @overload
    async def wait_for_completion(self, job: str, timeout: float | None = None) -> TaskStatus: ...

    async def wait_for_completion(
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
            return await self.wait_for_build(job, timeout)
        return await self.wait_for_task(job, timeout)

    async def version(self) -> Version:
        """Which espdeck serves."""
        return await self._get(Version, "version")

    async def health(self) -> Health:
        """Health of the daemon, of checks, and of what runs by schedule."""
        return await self._get(Health, "daemon/health")
