"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), and waking
the loop that sends them from other threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi.responses import StreamingResponse

HEARTBEAT_SECONDS = 15.0
"""Seconds without news after which a comment is sent: proxies end what is silent for long, and who
has gone is found out."""

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = ": still there\n\n"

_OPENING = ": here\nretry: 1000\n\n"
_HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}


def frame(event: str, data: Mapping[str, Any], number: str = "") -> str:
    """An event as it is sent.

    Args:
        event: its name.
        data: sent as JSON, which has no line ends.
        number: what a client sends as ``Last-Event-ID`` when it comes again; empty for none.
    """
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def answer(frames: AsyncIterator[str]) -> StreamingResponse:
    """An answer that sends events as they come, and something at once."""

    async def opened() -> AsyncIterator[str]:
        yield _OPENING
        async for each in frames:
            yield each

    return StreamingResponse(opened(), media_type=MEDIA_TYPE, headers=_HEADERS)


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
