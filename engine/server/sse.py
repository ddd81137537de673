"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), and waking
the loop that sends them from other threads.

FastAPI's own (``fastapi.sse``) makes each event text again for every reader; here it is text
already.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from fastapi.responses import StreamingResponse

HEARTBEAT_SECONDS = 15.0
"""Seconds without news after which a comment is sent: proxies end what is silent for long, and who
has gone is found out."""

MEDIA_TYPE = "text/event-stream"

HEARTBEAT = b": ping\n"
"""A comment. With an empty line behind it, clients that keep the last id (httpx-sse) would take it
for an event without data; an empty comment is a mistake to others (LaunchDarkly's, in Rust)."""

_HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"}
"""Proxies hand on each byte at once: nginx goes by the first, what compresses by the second."""

_RETRY_MILLISECONDS = (1000, 4000)  # so that not all come again at once


class SseResponse(StreamingResponse):
    """An answer whose body is an event stream."""

    media_type = MEDIA_TYPE

    # FastAPI reads the default of ``status_code`` here for its OpenAPI document.
    def __init__(self, content: AsyncGenerator[bytes, None], status_code: int = 200) -> None:
        super().__init__(content, status_code, headers=_HEADERS)


def start_of_stream() -> bytes:
    """The first bytes: when to come again, once it ends."""
    milliseconds = random.randint(*_RETRY_MILLISECONDS)  # noqa: S311 (no secret)
    return b": espdeck\nretry: %d\n" % milliseconds


def frame(event: str, data: Mapping[str, Any], number: str = "") -> bytes:
    """An event as it is sent.

    Args:
        event: its name.
        data: sent as JSON, which has no line ends.
        number: what a client sends as ``Last-Event-ID`` when it comes again; empty for none.
    """
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def answer(frames: AsyncIterator[bytes]) -> SseResponse:
    """An answer that sends events as they come, and something at once."""

    async def opened() -> AsyncGenerator[bytes, None]:
        yield start_of_stream()
        async for each in frames:
            yield each

    return SseResponse(opened())


class Wakeup:
    """An event of the running loop that any thread can set."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake who waits; never waits itself."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> bool:
        """Wait until it is set, which is forgotten then, or time is up; whether it was set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
            self._event.clear()
            return True
        return False
