"""What is written to the flash of boards, each time as a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from engine import BoardInfo, BoardSession, Engine, FlashOptions
from engine.errors import UsageError
from engine.server.access import BoardUser, EngineOf
from engine.server.jobs import Job, JobKind
from engine.server.models.boards import EraseBody, FlashBody
from engine.server.models.jobs import JobAnswer
from engine.server.parameters import Wait
from engine.server.routes.boards import BoardOf, check_free
from engine.server.routes.jobs import JobsOf, answer_job

router = APIRouter(tags=["boards"])


def _start_flash(
    principal: BoardUser, body: FlashBody, board: BoardOf, engine: EngineOf, jobs: JobsOf
) -> Job:
    image = engine.builds.image(body.build)
    flashed = engine.builds.flashed(body.build, image, app_only=body.app_only)
    settings = engine.settings
    options = FlashOptions(
        baud=body.baud or settings.flash_baud,
        app_only=body.app_only,
        before=body.before,
        after=body.after,
        secure=settings.flash_secure,
    )

    def write(session: BoardSession, job: Job) -> dict[str, Any]:
        written = session.flash.write(
            image,
            options,
            on_output=lambda line: job.say(line.decode("utf-8", "replace").rstrip()),
            on_progress=job.report,
            timeout=settings.flash_timeout,
            flashed=flashed,
        )
        return {
            "board": board.name,
            "build": body.build,
            "seconds": round(written.seconds, 1),
            "verified": written.verified,
            "chip": written.identity.chip,
            "mac": written.identity.mac,
        }

    job = Job(JobKind.FLASH, board.name, principal.name)
    return _start(engine, jobs, board, job, f"flash of build {body.build}", write)


def _start_erasure(
    principal: BoardUser, body: EraseBody, board: BoardOf, engine: EngineOf, jobs: JobsOf
) -> Job:
    if body.confirm not in (board.name, board.label or board.name):
        raise UsageError(
            f"this erases flash of {board.name}: give its name as 'confirm', not "
            f"{body.confirm[:80]!r}"
        )
    if (body.offset is None) != (body.size is None):
        raise UsageError("give offset and size, or neither")
    region = None
    if body.offset is not None and body.size is not None:
        region = (body.offset, body.size)

    def erase(session: BoardSession, job: Job) -> dict[str, Any]:
        job.report(0, "erasing")
        session.flash.erase(region)
        return {"board": board.name, "offset": body.offset, "size": body.size}

    job = Job(JobKind.ERASE, board.name, principal.name)
    return _start(engine, jobs, board, job, "erasure", erase)


def _start(
    engine: Engine,
    jobs: JobsOf,
    board: BoardInfo,
    job: Job,
    what: str,
    work: Callable[[BoardSession, Job], Mapping[str, Any]],
) -> Job:
    """Start what needs a board, unless somebody has it.

    Raises:
        ConflictError: somebody has it, or reserved it.
    """
    check_free(engine, board, job.asked_by)

    def hold(job: Job) -> Mapping[str, Any]:
        with engine.boards.use(
            board.name,
            cancel=job.cancel,
            on_wait=job.say,
            purpose=f"{what} by {job.asked_by}",
            holder=job.asked_by,
        ) as session:
            job.report(0, "connecting")
            return work(session, job)

    return jobs.start(job, hold, claim=engine.boards.key_of(board.name))


_STARTED: dict[int | str, dict[str, Any]] = {
    200: {"model": JobAnswer, "description": "It ended while the call waited."},
    202: {"model": JobAnswer, "description": "It was started."},
}


@router.post("/boards/{board:path}/flash", status_code=202, responses=_STARTED)
async def flash_board(
    _user: BoardUser,
    job: Annotated[Job, Depends(_start_flash)],
    response: Response,
    wait: Wait = 0.0,
) -> JobAnswer:
    """Flash what a build made; a console that is watched here makes way, and is read on after.

    409 says who has the board, where somebody has.
    """
    return await answer_job(job, wait, response)


@router.post("/boards/{board:path}/erase", status_code=202, responses=_STARTED)
async def erase_board(
    _user: BoardUser,
    job: Annotated[Job, Depends(_start_erasure)],
    response: Response,
    wait: Wait = 0.0,
) -> JobAnswer:
    """Erase the flash of a board whose name the body has, or a region of it."""
    return await answer_job(job, wait, response)
