"""Jobs: what was started and takes its time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from engine.enums import Scope
from engine.server import sse
from engine.server.access import BuildUser, Reader, StreamReader
from engine.server.jobs import Job, Jobs
from engine.server.models.jobs import JobAnswer
from engine.server.parameters import Limit
from engine.server.waiting import Wakeup


@contextlib.asynccontextmanager
async def _until_closed(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.jobs.close)


router = APIRouter(tags=["jobs"], lifespan=_until_closed)


async def jobs_of(connection: HTTPConnection) -> Jobs:
    """The jobs of the server."""
    jobs: Jobs = connection.app.state.jobs
    return jobs


JobsOf = Annotated[Jobs, Depends(jobs_of)]


async def answer_job(job: Job, wait: float, response: Response) -> JobAnswer:
    """Answer a job that was started: 202, or 200 where it ended within some seconds."""
    if wait > 0:
        wakeup = Wakeup()
        queue = job.watch(wakeup.set)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    while not queue.is_over:
                        await wakeup.wait(wait)
                        queue.take()
        finally:
            job.leave(queue)
    response.status_code = 200 if job.status.is_final else 202
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobAnswer.of(job)


@router.get("/jobs")
def list_jobs(jobs: JobsOf, _reader: Reader, limit: Limit = 50) -> list[JobAnswer]:
    """List flashes, erasures and checks that were started here, newest first."""
    return [JobAnswer.of(job) for job in jobs.list()[:limit]]


@router.get("/jobs/{job_id}")
def get_job(job_id: str, jobs: JobsOf, _reader: Reader) -> JobAnswer:
    """A job as it is now."""
    return JobAnswer.of(jobs.get(job_id))


@router.post("/jobs/{job_id}/cancel")
def cancel_job(job_id: str, jobs: JobsOf, principal: BuildUser) -> JobAnswer:
    """End a job of one's own; an admin ends any."""
    job = jobs.cancel(job_id, principal.name, is_admin=principal.scope.allows(Scope.ADMIN))
    return JobAnswer.of(job)


@router.get("/jobs/{job_id}/events", response_class=sse.SseResponse)
async def follow_job(job_id: str, jobs: JobsOf, _reader: StreamReader) -> sse.SseResponse:
    """Follow a job (SSE): `output`, `progress`, and at last `ended` with the whole job."""
    return sse.SseResponse(_events(jobs.get(job_id)))


async def _events(job: Job) -> AsyncGenerator[bytes, None]:
    wakeup = Wakeup()
    queue = job.watch(wakeup.set)
    try:
        while True:
            events, dropped = queue.take()
            if dropped:
                yield sse.frame("lagged", {"events": dropped})
            for event in events:
                yield sse.frame(event.name, event.data)
            if queue.is_over:
                break
            if not await wakeup.wait(sse.HEARTBEAT_SECONDS):
                yield sse.HEARTBEAT
        yield sse.frame("ended", JobAnswer.of(job).model_dump(mode="json"))
    finally:
        job.leave(queue)
