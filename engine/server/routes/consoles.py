"""Consoles of boards: watched by several at once, typed to, and what was kept of them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from engine import ConsoleEvent, ConsoleWatch, SessionInfo
from engine.server import sse
from engine.server.access import EngineOf, Reader, StreamReader
from engine.server.models.boards import ConsoleSession, SessionMatch
from engine.server.parameters import Limit, next_page
from engine.server.routes.boards import BoardOf, find_board
from engine.server.server_metrics import count_lagged
from engine.server.turns import MEASURING
from engine.server.waiting import Wakeup
from engine.text import clean

router = APIRouter(tags=["consoles"])

Tail = Annotated[
    int, Query(ge=0, le=1000, description="Lines from before to begin with, as far as kept.")
]


@router.get("/boards/{board:path}/monitor", response_class=sse.SseResponse)
async def watch_console(
    request: Request,
    board: BoardOf,
    engine: EngineOf,
    principal: StreamReader,
    tail: Tail = 0,
    last_event_id: Annotated[str, Header(max_length=100)] = "",
) -> sse.SseResponse:
    """Watch a console (SSE): `state`, `line`, `partial`, `note`, `finding`, `lagged`.

    It does not reset the board, and makes way for whoever wants it.
    """
    wakeup = Wakeup()
    watch = await run_in_threadpool(
        engine.consoles.watch,
        board.name,
        holder=principal.name,
        on_ready=wakeup.set,
        tail=tail,
        after=last_event_id,
    )
    return sse.SseResponse(_frames(watch, wakeup, request.app))


async def _frames(watch: ConsoleWatch, wakeup: Wakeup, app: FastAPI) -> AsyncGenerator[bytes, None]:
    try:
        if watch.lost:
            yield sse.frame("lagged", {"events": watch.lost})
        while not watch.is_over:
            if not await wakeup.wait(sse.HEARTBEAT_SECONDS):
                yield sse.HEARTBEAT
            events, dropped = watch.take()
            frames = []
            if dropped:
                count_lagged(app, "console", dropped)
                frames.append(sse.frame("lagged", {"events": dropped}))
            for event in events:
                number = f"{watch.epoch}-{event.number}"
                frames.append(sse.frame(event.kind, console_message(event), number))
            if frames:
                yield b"".join(frames)
    finally:
        watch.close()


def console_message(event: ConsoleEvent) -> dict[str, Any]:
    """What is told of a line, a note or a problem."""
    told: dict[str, Any] = {
        "at": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "text": event.text,
    }
    if event.finding is not None:
        told["finding"] = {
            name: "\n".join(map(clean, value.split("\n"))) if isinstance(value, str) else value
            for name, value in asdict(event.finding).items()
        }
    return told


BeganBefore = Annotated[AwareDatetime | None, Query(description="Only what began before.")]


@router.get("/boards/{board:path}/sessions")
def list_board_sessions(
    request: Request,
    response: Response,
    board: BoardOf,
    engine: EngineOf,
    _reader: Reader,
    before: BeganBefore = None,
    limit: Limit = 50,
) -> list[ConsoleSession]:
    """List the sessions that were kept of a board, newest first."""
    return _page(engine.boards.kept_sessions(board.name), before, limit, request, response)


@router.get("/sessions")
def list_sessions(
    request: Request,
    response: Response,
    engine: EngineOf,
    _reader: Reader,
    board: Annotated[str, Query(max_length=1000, description="Only of this board.")] = "",
    before: BeganBefore = None,
    limit: Limit = 50,
) -> list[ConsoleSession]:
    """List the sessions that monitors and simulated runs kept, newest first."""
    name = find_board(engine, board).name if board else None
    return _page(engine.boards.kept_sessions(name), before, limit, request, response)


def _page(
    sessions: Sequence[SessionInfo],
    before: AwareDatetime | None,
    limit: int,
    request: Request,
    response: Response,
) -> list[ConsoleSession]:
    found = [each for each in sessions if before is None or each.began < before]
    if len(found) > limit:
        next_page(request, response, before=found[limit - 1].began.isoformat())
    return [ConsoleSession.of(each) for each in found[:limit]]


@router.get("/sessions/search", dependencies=[MEASURING])
def search_sessions(
    engine: EngineOf,
    _reader: Reader,
    text: Annotated[str, Query(min_length=1, max_length=200, description="Whatever its case.")],
    board: Annotated[str, Query(max_length=1000, description="Only of this board.")] = "",
    limit: Limit = 50,
) -> list[SessionMatch]:
    """Search the lines of kept sessions, newest session first."""
    name = find_board(engine, board).name if board else None
    found = engine.boards.search_sessions(text, name)
    return [
        SessionMatch(session=session.raw.stem, board=session.board, line=clean(line))
        for session, line in itertools.islice(found, limit)
    ]
