"""WebSockets that only tell: what clients send is read and dropped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import WebSocket, WebSocketDisconnect

POLICY_VIOLATION = 1008
"""Code of a goodbye to somebody who may read no more (RFC 6455, 7.4.1)."""

NORMAL = 1000
"""Code of a goodbye when all has been said."""


@contextlib.asynccontextmanager
async def open_socket(websocket: WebSocket) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Accept a WebSocket, and end the block when the client leaves.

    Yields:
        A function that sends a text.
    """
    await websocket.accept()
    block = asyncio.current_task()
    assert block is not None
    has_left = False

    async def listen() -> None:
        nonlocal has_left
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass
        has_left = True
        block.cancel()

    listening = asyncio.create_task(listen())
    try:
        yield websocket.send_text
    except WebSocketDisconnect:
        pass
    except asyncio.CancelledError:
        if not has_left:
            raise
        block.uncancel()
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            await listening
