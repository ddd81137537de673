"""Logs of builds: as JSON by range, as text, followed, searched."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from engine import MAX_LOG_MATCHES, Engine, LogExtent, LogKey
from engine.errors import NotFoundError
from engine.events import Event, Log, StageChanged
from engine.server import log_streams
from engine.server.access import EngineOf, Reader, StreamReader
from engine.server.models.builds import LogAnswer, LogLines, LogMatchAnswer
from engine.server.parameters import MAX_NUMBER, RunNumber
from engine.server.responses import TEXT_HEADERS, SafeJson, wants
from engine.server.sse import MEDIA_TYPE as _EVENTS
from engine.server.sse import SseResponse
from engine.text import clean

router = APIRouter(tags=["builds"], default_response_class=SafeJson)

MAX_LINES = 10_000
"""Lines of a log that one answer in JSON has."""

_PAGE_LINES = 2000
_TEXT_STREAM = {**TEXT_HEADERS, "X-Accel-Buffering": "no"}
_TEXT = "text/plain"
_FORMS: dict[int | str, dict[str, Any]] = {200: {"content": {_TEXT: {}, _EVENTS: {}}}}


class LogFormat(StrEnum):
    """How a log is told."""

    JSON = "json"
    TEXT = "text"
    EVENTS = "events"


class LogStream(StrEnum):
    """Which of a stage's logs."""

    LOG = "log"
    SERIAL = "serial"


Line = Annotated[int | None, Query(ge=0, le=MAX_NUMBER, description="First line, from 0.")]
Follow = Annotated[
    bool, Query(description="Whether to wait for what comes, until the build has ended.")
]
Form = Annotated[
    LogFormat | None, Query(alias="format", description="Else as the header Accept says.")
]
LastId = Annotated[str, Header(alias="Last-Event-ID", max_length=20)]


@router.get("/builds/{number}/logs")
def list_logs(number: RunNumber, engine: EngineOf, _: Reader) -> list[LogAnswer]:
    """The logs of a build, in the order in which they began; none before it runs."""
    engine.builds.get(number)
    return [LogAnswer.of(each) for each in engine.builds.log_extents(number)]


@router.get("/builds/{number}/log", response_class=Response, responses=_FORMS)
async def build_log(
    number: RunNumber,
    request: Request,
    engine: EngineOf,
    _: StreamReader,
    follow: Follow = False,
    after: Annotated[
        int | None, Query(ge=0, le=MAX_NUMBER, description="Event to go on after; 0 for all.")
    ] = None,
    format: Form = None,
    last_event_id: LastId = "",
) -> Response:
    """All that a build says, since it was started or retried, as text or server-sent events.

    The last line of the text says how the build stands; where it is missing, the text is not whole.
    """

    def begin() -> int:
        engine.builds.get(number)
        if last_event_id.isascii() and last_event_id.isdigit():
            return int(last_event_id)
        return max(0, engine.builds.asked_seq(number) - 1) if after is None else after

    start = await run_in_threadpool(begin)
    if _form(request, format, LogFormat.TEXT) is LogFormat.EVENTS:
        events = log_streams.build_events(engine, number, start, lambda _: True, follow=follow)
        return SseResponse(events)
    text = log_streams.build_text(engine, number, start, follow=follow)
    headers = _TEXT_STREAM if follow else TEXT_HEADERS
    return StreamingResponse(text, media_type=_TEXT, headers=headers)


@router.get("/builds/{number}/logs/{stage}", response_model=LogLines, responses=_FORMS)
async def stage_log(
    number: RunNumber,
    stage: str,
    request: Request,
    engine: EngineOf,
    _: StreamReader,
    attempt: Annotated[int | None, Query(ge=1, le=10**6, description="Else the last.")] = None,
    stream: LogStream = LogStream.LOG,
    first: Line = None,
    count: Annotated[int, Query(ge=1, le=MAX_LINES, description="Lines of JSON.")] = 1000,
    tail: Annotated[
        int | None, Query(ge=0, le=MAX_NUMBER, description="Only so many lines at the end.")
    ] = None,
    follow: Follow = False,
    format: Form = None,
    last_event_id: LastId = "",
) -> LogLines | Response:
    """Lines of one log of a build: JSON by range, else text or server-sent events, all of it.

    In an attempt that is not named, the last one is meant, and those to come when it is followed.
    """
    form = _form(request, format, LogFormat.TEXT if follow else LogFormat.JSON)
    log = await run_in_threadpool(_find, engine, number, stage, attempt, stream)
    begin = log.first if first is None else first
    if tail is not None:
        begin = max(begin, log.end - tail)
    if form is LogFormat.JSON:
        return await run_in_threadpool(_lines, engine, log.key, begin, count)
    if form is LogFormat.TEXT and not follow:
        return StreamingResponse(
            _text(engine, log.key, begin, log.end), media_type=_TEXT, headers=TEXT_HEADERS
        )

    def is_chosen(event: Event) -> bool:
        if not isinstance(event, Log | StageChanged) or event.stage != stage:
            return False
        if isinstance(event, Log) and event.kind != stream:
            return False
        return event.attempt == attempt if attempt else event.attempt >= log.key.attempt

    after = 0
    if last_event_id.isascii() and last_event_id.isdigit():
        after = int(last_event_id)
    elif begin >= log.first:
        after = max(0, await run_in_threadpool(engine.builds.asked_seq, number) - 1)
    if form is LogFormat.EVENTS:
        events = log_streams.build_events(engine, number, after, is_chosen, follow=follow)
        return SseResponse(events)
    text = log_streams.log_text(engine, number, after, is_chosen, begin)
    return StreamingResponse(text, media_type=_TEXT, headers=_TEXT_STREAM)


@router.get("/builds/{number}/search")
def search_logs(
    number: RunNumber,
    engine: EngineOf,
    _: Reader,
    text: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=MAX_LOG_MATCHES)] = 50,
) -> list[LogMatchAnswer]:
    """Lines of any log of a build that have a text in them, whatever its case."""
    engine.builds.get(number)
    return [
        LogMatchAnswer(
            stage=each.key.stage,
            attempt=each.key.attempt,
            stream=each.key.stream,
            line=each.line,
            text=each.text,
        )
        for each in engine.builds.search(number, text)[:limit]
    ]


def _form(request: Request, asked: LogFormat | None, usual: LogFormat) -> LogFormat:
    if asked is not None:
        return asked
    if wants(request, _EVENTS):
        return LogFormat.EVENTS
    return LogFormat.TEXT if wants(request, _TEXT) else usual


def _find(
    engine: Engine, number: int, stage: str, attempt: int | None, stream: LogStream
) -> LogExtent:
    """A log of a build, empty where it has not begun.

    Raises:
        NotFoundError: there is no such build, or no such stage in any.
    """
    build = engine.builds.get(number)
    known = [each.key for each in engine.builds.pipeline_of(build).stages]
    if stage not in known:
        raise NotFoundError(
            f"no stage {stage[:80]!r} in build {number} (stages: {', '.join(known)})"
        )
    found = [
        each
        for each in engine.builds.log_extents(number)
        if (each.key.stage, each.key.stream) == (stage, stream)
        and attempt in (None, each.key.attempt)
    ]
    if not found:
        return LogExtent(LogKey(number, stage, attempt or 1, stream), 0, 0)
    return max(found, key=lambda each: each.key.attempt)


def _lines(engine: Engine, key: LogKey, first: int, count: int) -> LogLines:
    is_complete = _is_complete(engine, key)  # before what was written before it is read
    lines = list(engine.builds.lines(key, first, count))
    return LogLines(
        build_id=key.run_id,
        stage=key.stage,
        attempt=key.attempt,
        stream=key.stream,
        first=first,
        lines=lines,
        next=first + len(lines),
        total=engine.builds.line_count(key),
        complete=is_complete,
    )


def _is_complete(engine: Engine, key: LogKey) -> bool:
    if engine.builds.get(key.run_id).status.is_final:
        return True
    return any(
        (row.key, row.attempt) == (key.stage, key.attempt) and row.status.is_final
        for row in engine.builds.stages(key.run_id)
    )


def _text(engine: Engine, key: LogKey, first: int, end: int) -> Iterator[str]:
    while first < end:
        lines = engine.builds.lines(key, first, min(_PAGE_LINES, end - first))
        if not lines:
            return
        yield "".join(f"{clean(line)}\n" for line in lines)
        first += len(lines)
