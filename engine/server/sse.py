"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

FastAPI's own (``fastapi.sse``) makes each event text again for every reader; here it is text
already.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from fastapi.responses import StreamingResponse

from engine import sse_message

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
    """An answer whose body is an event stream: something at once, then messages as they come.

    Args:
        messages: as :func:`frame` makes them; it is closed when the reader leaves.
        status_code: of HTTP.
    """

    media_type = MEDIA_TYPE

    # FastAPI reads the default of ``status_code`` here for its OpenAPI document.
    def __init__(self, messages: AsyncGenerator[bytes, None], status_code: int = 200) -> None:
        super().__init__(_opened(messages), status_code, headers=_HEADERS)


def frame(event: str, data: Mapping[str, Any], number: str = "") -> bytes:
    """An event as it is sent.

    Args:
        event: its name.
        data: sent as JSON, which has no line ends.
        number: what a client sends as ``Last-Event-ID`` when it comes again; empty for none.
    """
    return sse_message(json.dumps(data, separators=(",", ":")), number, event)


async def _opened(messages: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Say first when to come again, once it ends."""
    milliseconds = random.randint(*_RETRY_MILLISECONDS)  # noqa: S311 (no secret)
    yield b": espdeck\nretry: %d\n" % milliseconds
    async with aclosing(messages):
        async for each in messages:
            yield each
