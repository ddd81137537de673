"""Ends what is still being answered when the token that asked for it has ended."""

from __future__ import annotations

import asyncio
import contextlib

import h11
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine import Access, Principal
from engine.errors import EspdeckError

LOOK_SECONDS = 2.0
"""Seconds between two looks whether the tokens of open streams are still good."""

_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_REASON = "the token has ended"


class _Answer:
    """An answer that has begun: a stream, a WebSocket, or one that will soon be whole.

    Args:
        principal: whose it is.
        task: sends it.
    """

    def __init__(self, principal: Principal, task: asyncio.Task[object]) -> None:
        self.principal = principal
        self.has_ended = False
        self._task = task

    def end(self) -> None:
        """Let nothing more of it pass, and end who sends it."""
        if not self.has_ended:
            self.has_ended = True
            self._task.cancel()


class TokenWatch:
    """Looks every two seconds whether tokens whose requests are being answered are still good, and
    ends the answers of those that are not. A request is not ended before its answer begins.

    Used on the server's loop alone.

    Args:
        access: knows tokens.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._open: set[_Answer] = set()
        self._looking: asyncio.Task[None] | None = None

    async def run(
        self, app: ASGIApp, principal: Principal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Have a request answered for as long as its token is good."""
        task = asyncio.current_task()
        assert task is not None
        answer = _Answer(principal, task)

        async def watched(message: Message) -> None:
            if answer.has_ended:
                raise OSError(_REASON)  # to who sends, as if the reader had left
            if message["type"] in ("http.response.start", "websocket.accept"):
                self._add(answer)
            await send(message)

        try:
            await app(scope, receive, watched)
        except (asyncio.CancelledError, Exception) as error:
            if not answer.has_ended:
                raise
            if isinstance(error, asyncio.CancelledError):
                task.uncancel()
            await _say_goodbye(scope, send)
        finally:
            self._open.discard(answer)

    def _add(self, answer: _Answer) -> None:
        self._open.add(answer)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while self._open:
            await asyncio.sleep(LOOK_SECONDS)
            for principal in {each.principal for each in self._open}:
                try:
                    is_good = await run_in_threadpool(self._access.holds, principal)
                except EspdeckError:
                    continue  # nobody can say
                if not is_good:
                    for answer in self._open:
                        if answer.principal == principal:
                            answer.end()


async def _say_goodbye(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": _REASON})
        return
    with contextlib.suppress(h11.LocalProtocolError):  # it has a length: uvicorn hangs up
        await send({"type": "http.response.body", "body": b"", "more_body": False})
