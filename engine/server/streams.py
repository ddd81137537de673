"""Streams that are open while the server serves, and end when it stops."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.server.problems import problem

_MEDIA_TYPES = ("text/event-stream", "application/x-ndjson")
"""Of answers that have no end of their own: their readers come again."""


class Streams:
    """Ends streams and WebSockets when the server stops; what else is asked has its time.

    Used on the server's loop alone.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[asyncio.Task[object]] = set()
        self._is_over = False

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def end(self) -> None:
        """End those that are open."""
        self._is_over = True
        for task in self._open:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None
        is_socket = scope["type"] == "websocket"
        has_started = False
        if is_socket:
            self._open.add(task)

        async def watched(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                if _is_stream(Headers(raw=message["headers"])):
                    self._open.add(task)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            task.uncancel()
            if is_socket:
                return  # uvicorn has said goodbye
            if not has_started:
                detail = "the server stops: try again in a moment"
                await problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)(scope, receive, send)
            elif task in self._open:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._open.discard(task)


def _is_stream(headers: Headers) -> bool:
    """Whether an answer has no end of its own: by its type, or as no proxy is to hold it back."""
    is_unbuffered = headers.get("x-accel-buffering") == "no"
    return is_unbuffered or headers.get("content-type", "").startswith(_MEDIA_TYPES)
