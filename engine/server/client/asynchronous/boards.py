"""Boards, their consoles, jobs, checks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import quote

from engine.enums import CheckStatus
from engine.server.client.asynchronous.transport import AsyncTransport
from engine.server.client.errors import ApiError
from engine.server.client.messages import ConsoleMessage, console_message_of
from engine.server.models.boards import Board, ReserveBody, board_id
from engine.server.models.checks import CheckResultAnswer, CheckState
from engine.server.models.jobs import JobAnswer

_LOOK_SECONDS = 0.5
"""Between two looks at a job."""


class AsyncBoards(AsyncTransport):
    """Calls about boards and checks."""

    async def boards(self) -> list[Board]:
        """The boards of the lab."""
        return await self._get(list[Board], "boards")

    async def board(self, board: str) -> Board:
        """A board, by its name or label."""
        return await self._get(Board, _board(board))

    async def reserve(self, board: str, *, hours: float = 8.0, note: str = "") -> Board:
        """Reserve a board for the token."""
        asked = ReserveBody(hours=hours, note=note)
        return await self._post(Board, f"{_board(board)}/reserve", asked)

    async def release(self, board: str, *, force: bool = False) -> Board:
        """Give a board back; ``force`` also another's, which needs the scope admin."""
        return await self._post(Board, f"{_board(board)}/release", {"force": force})

    async def reset(self, board: str) -> Board:
        """Restart a board's program."""
        return await self._post(Board, f"{_board(board)}/reset")

    async def flash(
        self,
        board: str,
        build: int,
        *,
        app_only: bool = False,
        baud: int | None = None,
        before: str = "",
        after: str = "",
    ) -> JobAnswer:
        """Start to flash the image of a build; ``wait_for_job`` waits until that is done.

        Args:
            before, after: how the bootloader is entered and left; as ever where they are empty.
        """
        asked = {
            "build": build,
            "app_only": app_only,
            "baud": baud,
            "before": before,
            "after": after,
        }
        return await self._post(JobAnswer, f"{_board(board)}/flash", asked)

    async def job(self, job_id: str) -> JobAnswer:
        """A job: a flash or a check that was started."""
        return await self._get(JobAnswer, f"jobs/{quote(job_id, safe='')}")

    async def cancel_job(self, job_id: str) -> JobAnswer:
        """End a job."""
        return await self._post(JobAnswer, f"jobs/{quote(job_id, safe='')}/cancel")

    async def wait_for_job(self, job_id: str, timeout: float | None = None) -> JobAnswer:
        """Wait until a job has ended. Jobs end with the server.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            ApiError: time is over, or there is no such job.
        """
        began = time.monotonic()
        while True:
            job = await self.job(job_id)
            if job.status.is_final:
                return job
            if timeout is not None and time.monotonic() - began >= timeout:
                raise ApiError(f"{job.kind} of {job.subject} has not ended after {timeout:g} s")
            await asyncio.sleep(_LOOK_SECONDS)

    async def monitor(self, board: str, *, tail: int = 0) -> AsyncGenerator[ConsoleMessage, None]:
        """What a board's console says, without an end; it comes again by itself.

        Args:
            tail: lines from before to begin with.

        Raises:
            ApiError: there is no such board, or the server was away for too long.
        """
        path = f"{_board(board)}/monitor"
        async with aclosing(self._follow(path, {"tail": tail})) as messages:
            async for message in messages:
                yield console_message_of(message)

    async def checks(
        self,
        *,
        check_name: str | None = None,
        project: str | None = None,
        status: CheckStatus | str | None = None,
    ) -> list[CheckState]:
        """How every check of every project stands."""
        filters = {"check_name": check_name, "project": project, "status": status}
        return await self._get(list[CheckState], "checks", filters)

    def check_results(
        self, *, check_name: str | None = None, project: str | None = None
    ) -> AsyncGenerator[CheckResultAnswer, None]:
        """Results of checks, all pages of them, the newest first."""
        filters = {"check_name": check_name, "project": project}
        return self._pages(CheckResultAnswer, "checks/results", filters)

    async def run_check(self, check_name: str, project: str = "") -> JobAnswer:
        """Start a check; the ``result`` of its job is what it found."""
        path = f"checks/{quote(check_name, safe='')}/run"
        return await self._post(JobAnswer, path, {"project": project})


def _board(board: str) -> str:
    return f"boards/{board_id(board)}"
