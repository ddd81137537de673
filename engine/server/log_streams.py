"""Logs of a build as they come: as lines for people, and as server-sent events."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

from fastapi.concurrency import run_in_threadpool

from engine import Engine
from engine.errors import EspdeckError
from engine.events import Event, Log, Partial, RunChanged, Serial, StageChanged
from engine.server.sse import HEARTBEAT, HEARTBEAT_SECONDS, frame
from engine.server.waiting import news_of
from engine.text import clean

_BATCH = 200
"""Events that are read at once: some megabytes at the most."""

Chosen = Callable[[Event], bool]
"""Whether an event belongs to what is told."""


async def events_of(
    engine: Engine, number: int, after: int, *, follow: bool
) -> AsyncIterator[Event | None]:
    """Events of a build from the store, in order; those to come, too, until it has ended.

    They are read when the reader has room for them: one that is slow slows nothing down.

    Args:
        after: sequence number of the event before them.
        follow: whether to wait for those that have not happened yet.

    Yields:
        None after each :data:`HEARTBEAT_SECONDS` without one.
    """

    def read() -> tuple[bool, list[Event]]:
        has_ended = engine.builds.get(number).status.is_final  # before what came before it
        return has_ended, list(itertools.islice(engine.replay(number, after), _BATCH))

    def is_of_build(event: Event) -> bool:
        return event.run_id == number and not isinstance(event, Partial)

    news = news_of(engine)
    async with news.of(is_of_build) as wakeup:
        while True:
            try:
                has_ended, batch = await news.read((number, after), read)
            except EspdeckError:
                return  # it was removed, or the engine closes
            for event in batch:
                yield event
            if batch:
                after = batch[-1].seq
            elif has_ended or not follow:
                return
            elif not await wakeup.wait(HEARTBEAT_SECONDS):
                yield None


async def build_text(
    engine: Engine, number: int, after: int, *, follow: bool
) -> AsyncIterator[str]:
    """Everything that a build says, as lines; the last one says how it stands."""
    async for event in events_of(engine, number, after, follow=follow):
        if event is not None and (lines := list(_lines_of(event))):
            yield "".join(f"{line}\n" for line in lines)
    yield f"{await run_in_threadpool(_state_of, engine, number)}\n"


async def log_text(
    engine: Engine, number: int, after: int, chosen: Chosen, first: int
) -> AsyncIterator[str]:
    """The lines of a log as they are, cleaned, until its build has ended.

    Args:
        first: number of the first line of the first log that is told.
    """
    async for event in events_of(engine, number, after, follow=True):
        if isinstance(event, Log) and chosen(event):
            lines = _split(event)[max(0, first - event.first_line) :]
            first = min(first, event.first_line)
            yield "".join(f"{clean(line)}\n" for line in lines)


async def build_events(
    engine: Engine, number: int, after: int, chosen: Chosen, *, follow: bool
) -> AsyncGenerator[bytes, None]:
    """Logs and stages of a build as server-sent events; the last one, ``end``, says how it stands.

    The id of each is its sequence number, from which a reader that comes again goes on.
    """
    async for event in events_of(engine, number, after, follow=follow):
        if event is None:
            yield HEARTBEAT
        elif isinstance(event, Log) and chosen(event):
            place = {"stage": event.stage, "attempt": event.attempt, "stream": event.kind}
            body = {**place, "first": event.first_line, "lines": _split(event)}
            yield frame("log", body, str(event.seq))
        elif isinstance(event, StageChanged) and chosen(event):
            name, body = event.wire()
            yield frame(name, body, str(event.seq))
    yield frame("end", await run_in_threadpool(_end_of, engine, number))


def _lines_of(event: Event) -> Iterator[str]:
    match event:
        case Log():
            mark = ">" if isinstance(event, Serial) else "|"
            name = _stage_name(event.stage, event.attempt)
            yield from (f"{name:<15} {mark} {clean(line)}".rstrip() for line in _split(event))
        case StageChanged():
            said = ": ".join(filter(None, (event.status, event.summary)))
            yield f"{_stage_name(event.stage, event.attempt):<15} = {clean(said)}"
        case RunChanged() if not event.status.is_final:
            yield f"build {event.run_id} {event.status}"


def _state_of(engine: Engine, number: int) -> str:
    try:
        build = engine.builds.get(number)
    except EspdeckError as error:
        return clean(str(error))
    took = f" in {build.duration:.1f} s" if build.duration is not None else ""
    why = f": {build.error}" if build.error else ""
    return clean(f"build {number} {build.status}{took}{why}")


def _end_of(engine: Engine, number: int) -> dict[str, object]:
    try:
        build = engine.builds.get(number)
    except EspdeckError as error:
        return {"build_id": number, "status": None, "error": str(error)}
    return {
        "build_id": number,
        "status": build.status,
        "duration": build.duration,
        "error": build.error,
    }


def _split(event: Log) -> list[str]:
    return event.text.removesuffix("\n").split("\n")


def _stage_name(stage: str, attempt: int) -> str:
    return stage if attempt == 1 else f"{stage}#{attempt}"
