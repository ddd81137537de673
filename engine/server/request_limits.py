"""How much a request may hold, and how long it may take to come."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.server.problems import problem

MAX_BODY_BYTES = 4 << 20
"""Bytes of a request's body."""

MAX_WEBHOOK_BYTES = 25 << 20
"""Bytes of what a forge posts: GitHub sends up to 25 MB."""

SMALL_WEBHOOK_BYTES = 256 << 10
"""Bytes up to which what a forge posts is taken however many do: few deliveries have more."""

LARGE_WEBHOOKS = 4
"""Larger ones that are read at the same time: nobody knows yet who signed them."""

BODY_SECONDS = 60.0
"""Seconds in which a body is there."""

_WEBHOOK = ("/webhook", "/webhook/")


class RequestLimits:
    """Refuses bodies that are too large, also where their length is not said, or too slow.

    What is still on its way of one that is too large is read and dropped for some seconds
    (:data:`engine.server.protocol.REQUEST_SECONDS`): a connection that is closed upon it would
    take the answer with it (RFC 9112, section 9.6).

    Args:
        app: what takes the request then.
        max_bytes: of a body.
        seconds: in which it has to be there.
    """

    def __init__(
        self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES, seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._large_webhooks = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        is_webhook = path.endswith(_WEBHOOK)
        limit = max(self._max_bytes, MAX_WEBHOOK_BYTES) if is_webhook else self._max_bytes
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and (len(length) > 18 or int(length) > limit):
            refused = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large(limit))
            await refused(scope, receive, send)
            return
        limited = self._limited(receive, limit)
        if not is_webhook:
            await self._app(scope, limited, send)
            return
        counted, leave = self._counted(limited)
        try:
            await self._app(scope, counted, send)
        finally:
            leave()

    def _counted(self, receive: Receive) -> tuple[Receive, Callable[[], None]]:
        """A webhook's body as one of the large ones once it is, and what ends to count it."""
        came = 0
        is_large = False

        async def counted() -> Message:
            nonlocal came, is_large
            message = await receive()
            came += len(message.get("body", b""))
            if came > SMALL_WEBHOOK_BYTES and not is_large:
                if self._large_webhooks >= LARGE_WEBHOOKS:
                    again = {"Retry-After": str(math.ceil(self._seconds))}
                    detail = "too many large webhooks at once: deliver it again in a minute"
                    raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, detail, again)
                is_large = True
                self._large_webhooks += 1
            return message

        def leave() -> None:
            self._large_webhooks -= is_large

        return counted, leave

    def _limited(self, receive: Receive, limit: int) -> Receive:
        until = asyncio.get_running_loop().time() + self._seconds
        left = limit
        is_whole = False

        async def limited() -> Message:
            nonlocal left, is_whole
            if is_whole:
                return await receive()  # which waits for the client to leave
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                detail = f"the body was not there after {self._seconds:g} s"
                close = {"Connection": "close"}
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail, close) from None
            left -= len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if left < 0:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large(limit))
            return message

        return limited


def _too_large(limit: int) -> str:
    return f"a body may have {limit} bytes here"
