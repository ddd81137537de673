"""What happens, as it happens: server-sent events and a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, WebSocket

from engine import Subscription
from engine.server.access import EngineOf, StreamReader
from engine.server.event_choice import EventChoiceOf
from engine.server.event_readers import EventReaders, ReadersOf
from engine.server.event_sockets import open_socket
from engine.server.sse import HEARTBEAT, SseResponse

router = APIRouter(tags=["events"])


@router.get(
    "/events",
    response_class=SseResponse,
    responses={
        200: {
            "description": "Events without an end.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 3f9c2a71-812\ndata: {"id": "3f9c2a71-812", "type": '
                    '"workflow.progress", "job_id": "42", "timestamp": '
                    '"2026-01-02T03:04:05.678Z", "seq": 7, "phase": "build", "message": '
                    '"compiling", "progress": 12.5}\n\n',
                }
            },
        }
    },
)
async def events(
    _reader: StreamReader, choice: EventChoiceOf, readers: ReadersOf, engine: EngineOf
) -> SseResponse:
    """Everything that happens, as server-sent events: builds, agents, checks, projects.

    The data of each is JSON with `type`, `job_id`, `timestamp`. The header `Last-Event-ID` gives
    what came meanwhile; see the manual for `hello`, `lagged` and `resync`.
    """
    subscription = await readers.subscribe(choice.filter, choice.after)
    hello = engine.stream.hello(subscription).sse
    return SseResponse(_messages(subscription, readers, hello))


async def _messages(
    subscription: Subscription, readers: EventReaders, hello: bytes
) -> AsyncGenerator[bytes, None]:
    yield hello
    async with aclosing(readers.follow(subscription)) as batches:
        async for items in batches:
            yield b"".join([item.sse for item in items]) or HEARTBEAT


@router.websocket("/ws")
async def socket(
    websocket: WebSocket,
    _reader: StreamReader,
    choice: EventChoiceOf,
    readers: ReadersOf,
    engine: EngineOf,
) -> None:
    """The same, a message each."""
    subscription = await readers.subscribe(choice.filter, choice.after)
    async with (
        open_socket(websocket) as send,
        aclosing(readers.follow(subscription)) as batches,
    ):
        await send(engine.stream.hello(subscription).text)
        async for items in batches:
            for item in items:
                await send(item.text)
