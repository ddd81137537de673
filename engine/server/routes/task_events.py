"""How a task gets on, as it does: server-sent events and a WebSocket that end with it.

Both begin with how it stands, so that who comes again has missed nothing that matters.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from http import HTTPStatus

from fastapi import APIRouter, Response, WebSocket
from fastapi.concurrency import run_in_threadpool

from engine import Engine, Notice, StreamEvent, StreamFilter, Subscription, sse_message
from engine.errors import NotFoundError
from engine.events import AGENT_STATUS, RunChanged, RunCompleted, RunProgress
from engine.server.access import EngineOf, StreamReader
from engine.server.event_choice import LastId
from engine.server.event_readers import EventReaders, ReadersOf
from engine.server.event_sockets import NORMAL, POLICY_VIOLATION, open_socket
from engine.server.models.orchestrate import TaskMessage, message_of_task
from engine.server.parameters import TaskId
from engine.server.sse import HEARTBEAT, SseResponse
from engine.server.task_numbers import task_number
from engine.server.task_states import task_status

router = APIRouter(tags=["tasks"])

_END = "end"
"""Id of the last message: a browser that comes again with it is told to stay away."""

_TELLING = frozenset((AGENT_STATUS, RunChanged.kind, RunCompleted.kind, RunProgress.kind))


@router.get(
    "/orchestrate/stream/{task_id}",
    response_class=SseResponse,
    responses={
        200: {
            "description": "Messages until the task has ended.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'event: progress\ndata: {"event":"progress_update","task_id":"14",'
                    '"status":"running","progress":40.0,"current_step":"Review"}\n\n',
                }
            },
        },
        204: {"description": "It has ended, and the caller knows."},
    },
)
async def stream(
    task_id: TaskId, _reader: StreamReader, engine: EngineOf, readers: ReadersOf, after: LastId
) -> Response:
    """How a task gets on, as server-sent events: `progress`, then `completed` or `failed`."""
    number = task_number(task_id)
    first = await run_in_threadpool(_look, engine, number)
    if first.is_last and after == _END:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    subscription = await _subscribe(readers, number)
    return SseResponse(_sse(_messages(engine, number, subscription, readers)))


@router.websocket("/orchestrate/ws/{task_id}")
async def socket(
    websocket: WebSocket,
    task_id: TaskId,
    _reader: StreamReader,
    engine: EngineOf,
    readers: ReadersOf,
) -> None:
    """The same, a message each."""
    number = task_number(task_id)
    await run_in_threadpool(_look, engine, number)
    subscription = await _subscribe(readers, number)
    async with (
        open_socket(websocket) as send,
        aclosing(_messages(engine, number, subscription, readers)) as messages,
    ):
        async for message in messages:
            if message is not None:
                await send(_text(message))
                if message.is_last:
                    await websocket.close(NORMAL)
                    return
        await websocket.close(POLICY_VIOLATION, "the task is gone")


async def _subscribe(readers: EventReaders, number: int) -> Subscription:
    return await readers.subscribe(StreamFilter(run_id=number, types=_TELLING), "")


async def _messages(
    engine: Engine,
    number: int,
    subscription: Subscription,
    readers: EventReaders,
) -> AsyncGenerator[TaskMessage | None, None]:
    """How a task stands, and again whenever that is not as it was; the last one when it has ended.

    Yields:
        None while nothing changes, so that somebody who waits can be told so.
    """
    percent = 0.0
    told: TaskMessage | None = None
    try:
        # It is looked at after the subscription began: what happens in between comes twice.
        yield (told := await run_in_threadpool(_look, engine, number))
        if told.is_last:
            return
        async with aclosing(readers.follow(subscription)) as batches:
            async for items in batches:
                percent = _percent(percent, items)
                message = _at_least(percent, await run_in_threadpool(_look, engine, number))
                if _shown(message) == _shown(told):
                    yield None
                    continue
                told = message
                yield message
                if message.is_last:
                    return
    except NotFoundError:
        return  # it was removed
    finally:
        subscription.close()


async def _sse(
    messages: AsyncGenerator[TaskMessage | None, None],
) -> AsyncGenerator[bytes, None]:
    async with aclosing(messages):
        async for message in messages:
            if message is None:
                yield HEARTBEAT
            else:
                last = _END if message.is_last else ""
                yield sse_message(_text(message), last, message.sse_event)


def _look(engine: Engine, number: int) -> TaskMessage:
    return message_of_task(task_status(engine, number))


def _text(message: TaskMessage) -> str:
    """JSON in ASCII: models may have said anything, and some readers are terminals."""
    return json.dumps(message.model_dump(mode="json"))


def _percent(percent: float, items: Sequence[StreamEvent | Notice]) -> float:
    """How far the task said that it is: finer than by the steps that have ended."""
    for item in items:
        event = item.event if isinstance(item, StreamEvent) else None
        if isinstance(event, RunProgress):
            percent = event.percent
        elif isinstance(event, RunChanged) and not event.status.is_final:
            percent = 0.0  # it begins, or begins anew
    return percent


def _at_least(percent: float, message: TaskMessage) -> TaskMessage:
    if message.is_last or message.progress >= percent:
        return message
    return message.model_copy(update={"progress": percent})


def _shown(message: TaskMessage) -> tuple[object, ...]:
    return message.event, message.status, message.progress, message.current_step
