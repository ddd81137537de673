"""Ends what is still being answered when the token that asked for it has ended."""

from __future__ import annotations

import time

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Send

from engine import Engine, Principal

_LOOK_SECONDS = 2.0
_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_SENT = ("http.response.body", "websocket.send")
_RECEIVED = "websocket.receive"


class TokenWatch:
    """Stands between a stream and its reader. Before something passes that comes more than two
    seconds after the last look, it looks whether the token is still good.

    Used on the server's loop alone.

    Args:
        engine: knows tokens.
        principal: whose stream it is.
        receive: of the request.
        send: of the request.
    """

    def __init__(self, engine: Engine, principal: Principal, receive: Receive, send: Send) -> None:
        self._access = engine.access
        self._principal = principal
        self._receive = receive
        self._send = send
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self.has_ended = False

    async def receive(self) -> Message:
        """What the reader sends; that it left, when the token has ended."""
        if self.has_ended:
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
        message = await self._receive()
        if message["type"] == _RECEIVED and not await self._is_good():
            await self._end("websocket.send")
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
        return message

    async def send(self, message: Message) -> None:
        """Send to the reader.

        Raises:
            OSError: the token has ended, which is to the sender as if the reader had left.
        """
        if not self.has_ended and message["type"] in _SENT and not await self._is_good():
            await self._end(message["type"])
        if self.has_ended:
            raise OSError("the token has ended")
        await self._send(message)

    async def _is_good(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return True
        self._next_look = now + _LOOK_SECONDS
        return await run_in_threadpool(self._access.holds, self._principal)

    async def _end(self, kind: str) -> None:
        self.has_ended = True
        if kind == "websocket.send":
            reason = "the token has ended"
            await self._send(
                {"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason}
            )
        else:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
